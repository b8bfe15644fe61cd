import { expect, test } from 'vitest';
import { mapClasses } from './class-map.ts';

const shape = [4, 4, 3];
const job = { shape, classes: ['cat', 'dog'] };
const teacher = { shape, classes: ['wolf', 'dog', 'lynx'] };
const refused = (classMap?: Record<string, string>, other = teacher) =>
  mapClasses(job, other, classMap).errors.map(({ path, message }) => `${path} ${message}`);

test('equal classes need no map', () => {
  expect(mapClasses(job, { ...job }, undefined)).toEqual({ errors: [] });
});

test('a map gives the index of the teacher for each class of the job', () => {
  expect(mapClasses(job, teacher, { dog: 'wolf', cat: 'lynx' })).toEqual({ indices: [2, 0], errors: [] });
});

test('without a map, different classes or another order are refused', () => {
  const why = "differ from the job's (cat, dog), or in their order";
  expect(refused()[0]).toContain(`(wolf, dog, lynx) ${why}`);
  expect(refused(undefined, { shape, classes: ['dog', 'cat'] })[0]).toContain(`(dog, cat) ${why}`);
});

test('each entry of a map that does not fit is refused', () => {
  expect(refused({ cat: 'tiger', mouse: 'wolf' })).toEqual([
    '/classMap/mouse is not a class of the job',
    '/classMap/cat is not a class of the teacher',
    '/classMap/dog is missing: every class of the job must be mapped',
  ]);
  expect(refused({ cat: 'wolf', dog: 'wolf' })).toEqual([
    '/classMap/dog is already the class that cat is mapped to',
  ]);
});

test('images of another shape are refused', () => {
  expect(refused(undefined, { shape: [8, 8, 3], classes: job.classes })).toEqual([
    '/dataset has images of [8,8,3], but the job has images of [4,4,3]',
  ]);
});
