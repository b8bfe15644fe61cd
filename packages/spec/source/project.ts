import { z } from 'zod';
import { projectNameSchema } from './access.ts';

const limit = (what: string) => z.number().min(0).nullable().describe(`${what}; null: no limit.`);

/** What the members of a project may use together. */
const quotaSchema = z.object({
  jobs: limit('The most unfinished jobs').pipe(z.int().nullable()),
  bytes: limit('The most bytes of uploads and of what jobs have made').pipe(z.int().nullable()),
  hours: limit('The most hours of trainers in a month (UTC), counted when stages end'),
});
export type ProjectQuota = z.output<typeof quotaSchema>;

const usedSchema = z.object({
  jobs: z.number().int().describe('Unfinished jobs now.'),
  bytes: z
    .number()
    .int()
    .describe('Bytes of uploads, data sets, networks and of what jobs have made; equal files count once.'),
  hours: z.number().describe('Hours of trainers in this month (UTC), of stages that have ended.'),
});
export type ProjectUse = z.output<typeof usedSchema>;

export const projectSchema = z.object({
  name: projectNameSchema,
  createdAt: z.iso.datetime(),
  quota: quotaSchema,
});
export type Project = z.output<typeof projectSchema>;

export const projectViewSchema = projectSchema.extend({ used: usedSchema });
export type ProjectView = z.output<typeof projectViewSchema>;

export const projectQuotaChangeSchema = z.strictObject(quotaSchema.partial().shape);
export type ProjectQuotaChange = z.input<typeof projectQuotaChangeSchema>;

export const newProjectSchema = z.strictObject({
  name: projectNameSchema.describe('Its name, which is part of the owner of its jobs: `<project>/<key>`.'),
  quota: projectQuotaChangeSchema.default({}).describe('What is left out has no limit.'),
});
export type NewProjectInput = z.input<typeof newProjectSchema>;
