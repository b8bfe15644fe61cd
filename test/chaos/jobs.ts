import type { JobSpecInput } from '@distillery/spec';

// Networks of a few hundred parameters and 96 images: a stage takes the start of its trainer and a second of training,
// with a checkpoint after every epoch.

const layers = [
  { layer: 'conv2d', filters: 4, kernel_size: 3, strides: 2, padding: 1, use_bias: false },
  { layer: 'batch_normalization' },
  { layer: 'activation', name: 'stage1', activation: 'relu' },
  { layer: 'max_pooling2d' },
  { layer: 'conv2d', name: 'stage2', filters: 6, kernel_size: 3, padding: 'same', activation: 'relu' },
  { layer: 'global_average_pooling2d' },
  { layer: 'dropout', rate: 0.2 },
];
const teacherNet = { type: 'layers', classifier: true, layers };
const studentNet = { type: 'mlp', hidden: [6], batchNorm: true, dropout: 0.2 };
const soft = [{ type: 'soft_target' }, { type: 'cross_entropy' }];
const training = { batchSize: 32, epochs: 12 };
const cropFlip = { augmentation: { type: 'crop_flip', views: 2 } };

/** @param seed the seed of the teachers; with a new one, no earlier job has trained them */
type Variant = (seed: number) => Record<string, unknown>;

/** Together they have every kind of stage. */
const variants: Record<string, Variant> = {
  hint: (seed) => ({
    teacher: { architecture: teacherNet, training: { epochs: 30, seed } },
    students: [
      {
        name: 'hint',
        architecture: teacherNet,
        method: [{ type: 'hint', student: 'stage2', teacher: 'stage2' }, ...soft],
      },
    ],
    baseline: false,
    training: { ...training, ...cropFlip },
  }),
  mutual: (seed) => ({
    procedure: 'mutual',
    students: ['a', 'b'].map((name) => ({ name, architecture: studentNet, method: soft })),
    seeds: [seed],
    baseline: false,
    training: { ...training, epochs: 30, augmentation: { type: 'flip' } },
  }),
  factor: (seed) => ({
    teacher: { architecture: teacherNet, training: { seed } },
    students: [
      {
        name: 'factor',
        architecture: teacherNet,
        method: [
          { type: 'factor', student: 'stage2', teacher: 'stage2', epochs: 8 },
          { type: 'cross_entropy' },
        ],
      },
    ],
    baseline: false,
    training,
  }),
  soft: (seed) => ({
    teacher: { architecture: teacherNet, training: { seed } },
    students: [{ name: 'soft', architecture: studentNet, method: soft }],
    seeds: [1, 2],
    training,
  }),
  chain: (seed) => ({
    teacher: { architecture: teacherNet, training: { seed } },
    students: [
      { name: 'assistant', architecture: teacherNet, method: soft },
      {
        name: 'small',
        architecture: studentNet,
        method: soft,
        teacher: 'assistant',
        // The assistant runs in the training loop.
        training: { augmentation: { type: 'crop_flip', views: 'fresh' } },
      },
    ],
    baseline: false,
    training: { ...training, ...cropFlip },
  }),
  several: (seed) => ({
    teacher: { architecture: teacherNet, training: { seed } },
    teachers: [{ name: 'second', architecture: studentNet, training: { seed: seed + 100 } }],
    students: [{ name: 'both', architecture: studentNet, method: soft }],
    baseline: false,
    training: { ...training, epochs: 16 },
  }),
};

/** Returns `count` different jobs, whose teachers differ, too. */
export function jobsToRun(count: number): { name: string; spec: JobSpecInput }[] {
  const kinds = Object.entries(variants);
  return Array.from({ length: count }, (_, index) => {
    const [kind, variant] = kinds[index % kinds.length];
    const seed = 1 + Math.floor(index / kinds.length);
    const name = `${kind}-${seed}`;
    const dataset = { source: 'shapes', trainCount: 96, testCount: 32 };
    return { name, spec: { name, dataset, ...variant(seed) } as unknown as JobSpecInput };
  });
}
