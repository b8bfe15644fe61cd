import { type Registry, registry } from '@distillery/spec';
import type { TeacherKind } from './provider.ts';
import { onnx } from './teachers/onnx.ts';
import { outputs } from './teachers/outputs.ts';
import { stored } from './teachers/stored.ts';
import { type Parts, trained } from './teachers/trained.ts';

export { headerOfNamed, readHeader, type WeightsHeader } from './metadata.ts';
export type { GivenArray, GivenArrays } from './outputs/arrays.ts';
export type {
  GivenOutputs,
  TeacherContext,
  TeacherFiles,
  TeacherKind,
  TeacherOutline,
  TeacherProvider,
} from './provider.ts';
export type { TrainedOptions } from './teachers/trained.ts';

/** Builds the registry of teacher kinds over the given architectures and data sets. */
export function teacherKinds(parts: Parts): Registry<TeacherKind> {
  return registry<TeacherKind>([trained(parts), stored(parts), onnx, outputs], 'type', () => ({}), 'trained');
}
