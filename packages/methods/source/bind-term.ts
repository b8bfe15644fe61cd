import type { BoundTerm, ParameterShapes, TapShapes, Term } from './term.ts';

/** A network as terms are bound to it. */
export interface Side {
  taps: TapShapes;
  parameters: ParameterShapes;
}

/**
 * Binds a term to its two networks. The teacher of a term that learns from a component has the student's own taps.
 *
 * @param options the parsed options of the term
 * @throws TapError if a tap does not exist or the shapes do not fit together
 */
export function bindTerm(
  term: Term,
  options: Record<string, unknown>,
  student: Side,
  teacher: Side,
): BoundTerm {
  const other = term.component === undefined ? teacher : { taps: student.taps, parameters: {} };
  const parameters = { student: student.parameters, teacher: other.parameters };
  return term.bind(options, student.taps, other.taps, parameters);
}
