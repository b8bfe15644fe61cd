import { trace } from '@distillery/engine';
import { architectures, bind } from '@distillery/models';
import { inputKind } from '@distillery/datasets';
import type { Choice } from '@distillery/spec';
import type { Subject } from '../planning/class-map.ts';

/** Returns the parameters of a network whose shapes depend on the number of classes. */
export function classifierNames(choice: Choice, subject: Subject): Set<string> {
  const { shape, classes, vocabulary } = subject;
  const shapesFor = (count: number) => {
    const task = { classes: count, vocabulary, input: inputKind(subject) };
    const { parameters } = trace(bind(architectures.get(choice.type), choice, task), shape);
    return new Map(parameters.map((parameter) => [parameter.name, `${parameter.shape}`]));
  };
  const own = shapesFor(classes.length);
  try {
    const other = shapesFor(classes.length + 1);
    return new Set([...own.keys()].filter((name) => own.get(name) !== other.get(name)));
  } catch (error) {
    // A list of layers may end in a fixed number of units, which fits these classes alone.
    if (error instanceof RangeError) return new Set();
    throw error;
  }
}
