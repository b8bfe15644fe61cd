import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { FieldProblem } from '../../api/problem.ts';
import type { Path } from './edit.ts';
import type { Schemas } from './schema.ts';

/** What every field of the form needs: the spec, the schemas, the errors by JSON pointer, and the way to change a value. */
export interface Form {
  spec: Record<string, unknown>;
  schemas: Schemas;
  errors: ReadonlyMap<string, FieldProblem>;
  set: (path: Path, value: unknown) => void;
}

export const FormContext = createContext<Form | undefined>(undefined);

/** The form around a field. */
export function useForm(): Form {
  const form = useContext(FormContext);
  if (form === undefined) throw new Error('a field stands outside of the form');
  return form;
}
