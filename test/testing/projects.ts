const anyTest = '**/*.test.ts';

/** Tests without TensorFlow, Redis and other processes: less than a minute together. */
const unit = [
  `packages/{client,datasets,formats,spec,store}/source/${anyTest}`,
  `packages/training/source/planning/${anyTest}`,
  'test/{architecture,catalogue,docs,projects}.test.ts',
];

const queue = `packages/queue/source/${anyTest}`;
const chaos = 'test/chaos.test.ts';
const examples = 'test/examples.test.ts';

/**
 * The projects of the tests, by folder. Each test file belongs to exactly one. Tests of a new package belong to `engine` and
 * a new file of `test/` to `service`, unless they are listed here. `npx vitest run --project unit` runs one project.
 */
export const testProjects: Record<string, { include: string[]; exclude?: string[] }> = {
  chaos: { include: [chaos] },
  python: { include: [`test/python/${anyTest}`] },
  /** Tests with Redis, HTTP and worker processes. */
  service: {
    include: [`apps/*/source/${anyTest}`, queue, 'test/*.test.ts'],
    exclude: [...unit, chaos, examples],
  },
  /** Tests that run TensorFlow in their process. */
  engine: { include: [`packages/*/source/${anyTest}`, examples], exclude: [...unit, queue] },
  unit: { include: unit },
};
