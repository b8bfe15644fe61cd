const anyTest = '**/*.test.ts';

/** Tests that change their process for good: they start another engine, or add to a registry. */
const isolated = [
  `packages/engine/source/backends/${anyTest}`,
  'apps/api/source/formats.test.ts',
  'apps/worker/source/stop-while-loading.test.ts',
  'packages/store/source/open-store.test.ts',
  'packages/training/source/loop.test.ts',
  'packages/training/source/stages/{added-kind,component-teacher}.test.ts',
  'test/plugins.test.ts',
];

/** Tests without TensorFlow, Redis and other processes: less than a minute together. */
const unit = [
  `packages/{client,datasets,formats,spec,store}/source/${anyTest}`,
  `apps/web/source/${anyTest}`,
  `packages/training/source/planning/${anyTest}`,
  'test/{architecture,catalogue,deploy,docs,projects}.test.ts',
];

const queue = `packages/queue/source/${anyTest}`;
const chaos = 'test/chaos.test.ts';
const browser = `test/browser/${anyTest}`;
const examples = 'test/examples.test.ts';

interface TestFiles {
  include: string[];
  exclude?: string[];
  /** Whether its tests run compiled code; default false. */
  compiled?: boolean;
  /** Whether files share a process, which then loads each module and the engine once; default false. */
  shared?: boolean;
}

/**
 * The projects of the tests, by folder. Each test file belongs to exactly one. Tests of a new package belong to `engine` and
 * a new file of `test/` to `service`, unless they are listed here. `npx vitest run --project unit` runs one project.
 */
export const testProjects: Record<string, TestFiles> = {
  chaos: { include: [chaos], compiled: true },
  /** The dashboard in Chromium; skipped where there is none. */
  browser: { include: [browser], compiled: true, shared: true },
  python: { include: [`test/python/${anyTest}`] },
  /** Tests with Redis, HTTP and worker processes. */
  service: {
    include: [`apps/*/source/${anyTest}`, queue, 'test/*.test.ts'],
    exclude: [...unit, ...isolated, chaos, examples],
    compiled: true,
    shared: true,
  },
  /** Tests that run TensorFlow in their process. */
  engine: {
    include: [`packages/*/source/${anyTest}`, examples],
    exclude: [...unit, ...isolated, queue],
    shared: true,
  },
  isolated: { include: isolated, compiled: true },
  unit: { include: unit, exclude: isolated, shared: true },
};
