import { datasets, transforms } from '@distillery/datasets';
import { terms } from '@distillery/methods';
import { architectures } from '@distillery/models';
import { jobSpecSchema, type Kinds, trainingSchemas } from '@distillery/spec';
import { teacherKinds } from '@distillery/teachers';

/** The kinds of teachers that a job can have. */
export const teachers = teacherKinds({ architectures, datasets, transforms });

/** Everything that a job can be made of. */
export const kinds: Kinds = { datasets, architectures, terms, teachers, transforms };

/** The schema of a job spec over these kinds. */
export const jobSpec = jobSpecSchema(kinds);

/** The schema of training settings over these kinds. */
export const trainingSchema = trainingSchemas(transforms).training;
