import { DistilleryError } from '@distillery/spec';

/** The part of a zod schema that is used here. */
interface Schema<T> {
  safeParse(
    input: unknown,
  ): { success: true; data: T } | { success: false; error: Error & { issues: Issue[] } };
}
interface Issue {
  path: PropertyKey[];
  message: string;
}

/** @throws DistilleryError `invalid_spec` for options that this version does not have */
export function accepted<T>(schema: Schema<T>, input: unknown): T {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const [{ path, message }] = parsed.error.issues;
  throw new DistilleryError('invalid_spec', [...path.map(String), message].join(': '), {
    cause: parsed.error,
  });
}
