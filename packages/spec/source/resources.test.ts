import { expect, test } from 'vitest';
import { unmet } from './capabilities.ts';
import { requirementsOfResources, resourcesSchema } from './resources.ts';

test('resources become requirements that workers are compared with', () => {
  const resources = resourcesSchema.parse({ gpuMemory: '16 GB', labels: ['a100', 'eu-west.1'] });
  const requires = requirementsOfResources(resources);
  expect(requires).toEqual(['gpu', 'gpuMemory>=16000000000', 'label:a100', 'label:eu-west.1']);
  expect(unmet(['gpu', 'gpuMemory=17179869184', 'label:a100', 'label:eu-west.1'], requires)).toEqual([]);
  expect(requirementsOfResources({ engine: 'cpu' })).toEqual(['cpu']);
  expect(requirementsOfResources({})).toEqual([]);
  expect(requirementsOfResources()).toEqual([]);
});

test('a specification stays as it is when it is read again', () => {
  const given = { engine: 'gpu', gpuMemory: '1.5 GiB', labels: ['a'] };
  expect(resourcesSchema.parse(resourcesSchema.parse(given))).toEqual(given);
});

test.each([
  [{ gpuMemory: '16 gigabytes' }, 'must be a number of bytes such as "16 GB" or "40 GiB"'],
  [{ gpuMemory: '0' }, 'must be a whole number of bytes of at least 1'],
  [{ gpuMemory: '0.3 B' }, 'must be a whole number of bytes of at least 1'],
  [
    { engine: 'cpu', gpuMemory: '1 GB' },
    'is the memory of a GPU, but `engine` asks for the CPU: remove one of them',
  ],
  [{ labels: ['a b'] }, 'must be 1-63 letters, digits, dots, dashes and underscores'],
  [{ labels: ['a', 'a'] }, 'must differ from each other'],
])('%j is refused', (given, message) => {
  const { error } = resourcesSchema.safeParse(given);
  expect(error?.issues.map((issue) => issue.message)).toContain(message);
});
