import {
  type DatasetKind,
  datasets,
  type ReaderKind,
  readers,
  type Transform,
  transforms,
} from '@distillery/datasets';
import { type Format, formats } from '@distillery/formats';
import { type Term, terms } from '@distillery/methods';
import { type Architecture, architectures } from '@distillery/models';
import { type StoreKind, storeKinds } from '@distillery/store';
import type { TeacherKind } from '@distillery/teachers';
import type { ComponentKind } from './components/component-kind.ts';
import { componentKinds } from './components/index.ts';
import { addKinds, importPlugin, loadedPlugins } from './import-plugin.ts';
import { teachers } from './kinds.ts';
import { stageKinds } from './stages/index.ts';
import type { StageKind } from './stages/stage.ts';

/**
 * What a plug-in module exports as its default: kinds that join the built-in ones. Everything that a job can name
 * (schema, plan, catalogues, OpenAPI page) then includes them.
 */
export interface Plugin {
  terms?: readonly Term[];
  architectures?: readonly Architecture[];
  datasets?: readonly DatasetKind[];
  readers?: readonly ReaderKind[];
  transforms?: readonly Transform[];
  teachers?: readonly TeacherKind[];
  components?: readonly ComponentKind[];
  formats?: readonly Format[];
  stores?: readonly StoreKind[];
  stages?: readonly StageKind[];
}

/** The registries that the kinds of a plug-in join. A new registry is one line here and one in `Plugin`. */
const registries: { [Name in keyof Plugin]-?: { add(kind: never): void } } = {
  terms,
  architectures,
  datasets,
  readers,
  transforms,
  teachers,
  components: componentKinds,
  formats,
  stores: storeKinds,
  stages: stageKinds,
};

/**
 * Loads plug-in modules and adds their kinds to the registries. API, worker and trainer each do this at start, before
 * the first job spec is parsed. A module that this process has loaded before is left alone.
 *
 * @param modules absolute paths or package names, as the setting PLUGINS lists them
 * @throws RangeError naming the module that cannot be loaded, exports no plug-in, or names a kind that exists
 */
export async function loadPlugins(modules: readonly string[]): Promise<void> {
  for (const name of modules.filter((module) => !loadedPlugins.includes(module))) {
    const plugin = await importPlugin(name);
    for (const [group, kinds] of Object.entries(plugin)) {
      if (!(group in registries) || !Array.isArray(kinds)) {
        const known = Object.keys(registries).join(', ');
        throw new RangeError(`plug-in ${name}: ${group} must be a list of kinds under one of: ${known}`);
      }
    }
    addKinds(name, plugin, registries);
  }
}
