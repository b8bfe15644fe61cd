import { z } from 'zod';

/** The forms of options that several sources have. */

/** A path below a folder that the service may read. */
export const pathOption = (description: string) => z.string().min(1).max(4096).describe(description);

/** The name of a column. */
export const columnOption = (what: string) =>
  z.string().min(1).max(256).describe(`The name of the column that holds ${what}.`);

const side = z.int().min(1).max(1024);

/** `[height, width]` in pixels. */
export const sizeOption = (description: string) => z.tuple([side, side]).describe(description);

/** The names of classes that the data number. */
export const classNamesOption = (maximum: number, unnamed: string) =>
  z
    .array(z.string().min(1).max(256))
    .min(2)
    .max(maximum)
    .optional()
    .describe(`The names of the classes, in the order of the label numbers from 0. Default: the ${unnamed}.`);
