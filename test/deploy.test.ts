import { execFile, execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { settings, type Setting } from '@distillery/spec/configuration';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';

// The manifests below deploy/kubernetes, as `kubectl kustomize` renders them, against the schemas of Kubernetes and KEDA and against
// what they promise: pods without privileges, resources, names that exist.

const folder = join(import.meta.dirname, '../deploy/kubernetes');
const overlays = readdirSync(join(folder, 'overlays'));
const hasKubectl = (() => {
  try {
    execFileSync('kubectl', ['kustomize', '--help'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

interface Resource {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
  spec?: Record<string, unknown>;
  data?: Record<string, string>;
}

interface Container {
  name: string;
  image: string;
  env?: { name: string; value?: string; valueFrom?: unknown }[];
  envFrom?: { configMapRef?: { name: string }; secretRef?: { name: string } }[];
  resources: { requests?: object; limits?: { memory?: string } };
  securityContext: object;
  volumeMounts: { name: string }[];
}

interface Pod {
  metadata: { labels: Record<string, string> };
  spec: { securityContext: object; containers: Container[]; volumes: { name: string }[] };
}

function parsed(text: string): Resource[] {
  return parseAllDocuments(text).map((document) => {
    expect(document.errors).toEqual([]);
    return document.toJS() as Resource;
  });
}

function render(overlay: string): Resource[] {
  const options = { encoding: 'utf8', maxBuffer: 2 ** 24 } as const;
  return parsed(execFileSync('kubectl', ['kustomize', join(folder, 'overlays', overlay)], options));
}

const libraryOf = (apiVersion: string) =>
  apiVersion.startsWith('keda.sh/') ? '@kubernetes-models/keda' : 'kubernetes-models';

/** Checks a resource against the schema of its kind. It does not see fields that the kind does not have. */
async function validate(resource: Resource): Promise<void> {
  const { apiVersion, kind } = resource;
  const kinds = (await import(`${libraryOf(apiVersion)}/${apiVersion}`)) as Record<
    string,
    new (
      data: object,
    ) => { validate(): void }
  >;
  new kinds[kind](resource).validate();
}

/** The template of the pods that a resource starts; undefined for a resource that starts none. */
function podOf({ kind, spec }: Resource): Pod | undefined {
  if (['Deployment', 'StatefulSet'].includes(kind)) return spec?.template as Pod;
  if (kind === 'ScaledJob') return (spec?.jobTargetRef as { template: Pod } | undefined)?.template;
  return undefined;
}

describe.skipIf(!hasKubectl).each(overlays)('the overlay %s', (overlay) => {
  const resources = hasKubectl ? render(overlay) : [];
  const named = (kind: string) =>
    resources.filter((one) => one.kind === kind).map(({ metadata }) => metadata.name);
  const withPods = resources.flatMap((resource) => {
    const pod = podOf(resource);
    return pod === undefined ? [] : [{ name: resource.metadata.name, resource, pod }];
  });

  test.each(resources.map((resource) => ({ resource, title: `${resource.kind} ${resource.metadata.name}` })))(
    '$title has the form of its kind',
    async ({ resource }) => {
      await expect(validate(resource)).resolves.toBeUndefined();
      if (resource.kind !== 'Namespace') expect(resource.metadata.namespace).toBe('distillery');
      expect(resource.metadata.labels?.['app.kubernetes.io/part-of']).toBe('distillery');
    },
  );

  test.each(withPods)(
    'the pods of $name have no privilege, a bound of memory and a read-only root',
    ({ pod }) => {
      expect(pod.spec.securityContext).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      for (const { resources: asked, securityContext, volumeMounts } of pod.spec.containers) {
        expect(securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
        expect(asked.requests).toMatchObject({ cpu: expect.any(String), memory: expect.any(String) });
        expect(asked.limits?.memory).toEqual(expect.any(String));
        const volumes = pod.spec.volumes.map(({ name }) => name);
        const mounted = volumeMounts.map(({ name }) => name).filter((name) => name !== 'data');
        expect(volumes).toEqual(expect.arrayContaining(mounted));
      }
    },
  );

  test('every setting, config map and secret that a pod reads exists', () => {
    const variables = Object.values<Setting>(settings).flatMap(({ variable, alias }) => [
      variable,
      alias?.variable,
    ]);
    for (const { resource, pod } of withPods) {
      for (const { env = [], envFrom = [] } of pod.spec.containers) {
        for (const { configMapRef, secretRef } of envFrom) {
          if (configMapRef !== undefined) expect(named('ConfigMap')).toContain(configMapRef.name);
          // Secrets are made by a person, as docs/kubernetes.md tells.
          if (secretRef !== undefined) expect(secretRef.name).toBe('distillery');
        }
        if (resource.metadata.name === 'redis') continue;
        for (const { name } of env) expect(variables).toContain(name);
      }
    }
    const [map] = resources.filter(({ kind }) => kind === 'ConfigMap');
    for (const name of Object.keys(map.data ?? {})) expect(variables).toContain(name);
  });

  test('every selector finds pods', () => {
    const labels = withPods.map(({ pod }) => pod.metadata.labels);
    const finds = (selector: Record<string, string>) =>
      labels.some((own) => Object.entries(selector).every(([name, value]) => own[name] === value));
    for (const { kind, metadata, spec } of resources) {
      const selector =
        kind === 'Service'
          ? (spec?.selector as Record<string, string>)
          : ((spec?.selector ?? spec?.podSelector) as { matchLabels?: Record<string, string> } | undefined)
              ?.matchLabels;
      if (
        selector === undefined ||
        (kind === 'NetworkPolicy' && overlay === 'one-cluster' && metadata.name.includes('bucket'))
      )
        continue;
      expect(finds(selector), `${kind} ${metadata.name}`).toBe(true);
    }
  });

  test('the API is asked whether it lives and whether it is ready', () => {
    const api = withPods.find(({ name }) => name === 'api')?.pod.spec.containers[0];
    expect(api).toMatchObject({
      startupProbe: { httpGet: { path: '/healthz' } },
      livenessProbe: { httpGet: { path: '/healthz' } },
      readinessProbe: { httpGet: { path: '/readyz' } },
    });
  });
});

/** Returns what TypeScript finds wrong with resources as values of the types of their kinds: names, enumerations, types. */
async function typeErrors(resources: readonly Resource[]): Promise<string> {
  // Below node_modules, where the types are found.
  const place = await mkdtemp(join(import.meta.dirname, '../node_modules/.deploy-'));
  try {
    const lines = resources.map(({ apiVersion, kind, ...rest }, index) => {
      const type = `import('${libraryOf(apiVersion)}/${apiVersion}').I${kind}`;
      return `export const r${index}: ${type} = ${JSON.stringify({ apiVersion, kind, ...rest })};`;
    });
    await writeFile(join(place, 'resources.ts'), lines.join('\n'));
    const flags = '--noEmit --skipLibCheck --ignoreConfig --strict --target es2022 --module nodenext'.split(
      ' ',
    );
    const tsc = join(import.meta.dirname, '../node_modules/.bin/tsc');
    return await promisify(execFile)(tsc, [...flags, join(place, 'resources.ts')]).then(
      () => '',
      ({ stdout }: { stdout: string }) => stdout,
    );
  } finally {
    await rm(place, { recursive: true });
  }
}

test.skipIf(!hasKubectl)(
  'no field has a name that its kind does not know',
  async () => {
    expect(await typeErrors(overlays.flatMap(render))).toBe('');
  },
  60_000,
);

test('a field that its kind does not have, or a value of another type, is refused', async () => {
  const [{ spec, ...claim }] = parsed(readFileSync(join(folder, 'components/volumes/store.yaml'), 'utf8'));
  await expect(validate({ ...claim, spec: { ...spec, accessModes: 'ReadWriteMany' } })).rejects.toThrow(
    /must be/,
  );
  expect(await typeErrors([{ ...claim, spec: { ...spec, accessMode: [] } }])).toMatch(
    /accessMode.* does not exist/,
  );
}, 60_000);

test('every file is part of an overlay or a component', () => {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.yaml'),
  );
  const kustomizations = files.filter((name) => name.endsWith('kustomization.yaml'));
  const named = kustomizations.flatMap((name) => {
    const {
      resources = [],
      components = [],
      patches = [],
      configurations = [],
    } = parsed(readFileSync(join(folder, name), 'utf8'))[0] as unknown as Record<
      string,
      (string | { path: string })[]
    >;
    return [...resources, ...components, ...patches, ...configurations].map((one) =>
      join(name, '..', typeof one === 'string' ? one : one.path),
    );
  });
  const unused = files
    .map((name) => name.replace(/\/kustomization\.yaml$/, ''))
    .filter((name) => !named.includes(name) && !name.startsWith('overlays/'));
  // The volumes and the worker for GPUs are for overlays of one's own.
  expect(unused).toEqual(['components/worker-gpu']);
});
