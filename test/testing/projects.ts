const anyTest = '**/*.test.ts';

/** What needs neither TensorFlow, nor Redis, nor another process: under a minute in all. */
const unit = [
  `packages/{client,datasets,formats,spec,store}/source/${anyTest}`,
  `packages/training/source/planning/${anyTest}`,
  'test/{architecture,catalogue,docs,projects}.test.ts',
];

const queue = `packages/queue/source/${anyTest}`;
const chaos = 'test/chaos.test.ts';
const examples = 'test/examples.test.ts';

/**
 * The projects of the tests, by folder: each test file belongs to exactly one, a new room's to `engine` and a new file
 * of `test/` to `service` unless it is named here. `npx vitest run --project unit` runs one.
 */
export const testProjects: Record<string, { include: string[]; exclude?: string[] }> = {
  chaos: { include: [chaos] },
  python: { include: [`test/python/${anyTest}`] },
  /** Redis, HTTP and worker processes. */
  service: {
    include: [`apps/*/source/${anyTest}`, queue, 'test/*.test.ts'],
    exclude: [...unit, chaos, examples],
  },
  /** TensorFlow in this process. */
  engine: { include: [`packages/*/source/${anyTest}`, examples], exclude: [...unit, queue] },
  unit: { include: unit },
};
