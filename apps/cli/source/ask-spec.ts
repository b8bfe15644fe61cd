import type { JobSpecInput } from '@distillery/spec';
import type { Asker } from './ask.ts';

/** What a person can choose from; empty lists when no service is there to say, and any name is accepted then. */
export interface Choices {
  architectures: readonly string[];
  methods: readonly string[];
}

const data = {
  'shapes: images that are generated, to try things': { source: 'shapes' },
  'CIFAR-10: photographs of ten kinds, downloaded once': { source: 'cifar10' },
  'a folder of images, with a folder for each class': { source: 'image_folder' },
};

/** Asks for what a job needs at least; everything else has a default. */
export async function askSpec(ask: Asker, { architectures, methods }: Choices): Promise<JobSpecInput> {
  const oneOf = (question: string, names: readonly string[], usual: string) =>
    names.length === 0 ? ask.text(question, usual) : ask.choice(question, names, usual);
  const name = await ask.text('What is the name of the job?', 'first steps');
  const kinds = Object.keys(data);
  const chosen = data[(await ask.choice('What does it train on?', kinds, kinds[0])) as keyof typeof data];
  const dataset =
    chosen.source === 'image_folder'
      ? { ...chosen, path: await ask.text('The folder, as the service sees it:', '/data/images', absolute) }
      : chosen;
  const teacher = await oneOf('What is the teacher?', architectures, 'deepnn');
  const student = await oneOf('What is the student?', architectures, 'lightnn');
  const method = await oneOf('How does the student learn from the teacher?', methods, 'soft_target');
  const epochs = await ask.text('How many epochs?', '10', whole);
  const seeds = await ask.text('How many seeds? Several show what is chance.', '3', whole);
  return {
    name,
    dataset,
    teacher: { architecture: { type: teacher } },
    students: [
      {
        name: method,
        architecture: { type: student },
        method: [{ type: method }, { type: 'cross_entropy' }],
      },
    ],
    seeds: Array.from({ length: Number(seeds) }, (_, i) => i + 1),
    training: { epochs: Number(epochs) },
  };
}

const whole = (answer: string) =>
  /^[1-9]\d{0,3}$/.test(answer) ? undefined : 'It must be a whole number of at least 1.';
const absolute = (answer: string) => (answer.startsWith('/') ? undefined : 'It must be an absolute path.');
