import type { ClassChoice } from '../classes.ts';
import { type HeldOutChoice, heldOutSamples, refuseFolds } from '../held-out.ts';
import { type Layout, withLayoutClasses } from './image-layout.ts';
import type { SplitName } from './split-folders.ts';

const maximumClasses = 10_000;

/** An image that a source lists with its label. */
export interface ImageRow {
  name: string;
  label: string;
  split: SplitName;
}

interface Choice {
  held: HeldOutChoice;
  classes?: ClassChoice;
}

/**
 * Puts listed images into splits. Without test images the validation images are for testing; without either, a part of each class is
 * held out.
 *
 * @param order the order of the class names. Default: alphabetical
 * @throws RangeError when there are fewer than two classes, or another split has other classes; DistilleryError for an unknown class
 */
export function layoutOfRows(
  rows: readonly ImageRow[],
  { held, classes: choice }: Choice,
  order?: readonly string[],
): { layout: Layout; notes: string[] } {
  const of = (split: SplitName) => rows.filter((row) => row.split === split);
  const [train, validation, test] = [of('train'), of('validation'), of('test')];
  const names = new Set(train.map(({ label }) => label));
  const classes = order?.filter((name) => names.has(name)) ?? [...names].sort();
  if (classes.length < 2)
    throw new RangeError(
      classes.length === 0
        ? 'lists no image for training'
        : `all images have the label ${JSON.stringify(classes[0])}`,
    );
  if (classes.length > maximumClasses) throw new RangeError(`more than ${maximumClasses} different labels`);
  const rank = new Map(classes.map((name, index) => [name, index]));
  const samples = (some: readonly ImageRow[], split: SplitName) =>
    some.map(({ name, label }) => {
      const index = rank.get(label);
      if (index === undefined)
        throw new RangeError(
          `the ${split} split has the label ${JSON.stringify(label)}, which no training image has`,
        );
      return { name, label: index };
    });
  const notes =
    test.length === 0 && validation.length > 0
      ? ['there is no test split: the validation split is tested on']
      : [];
  const chosen = (layout: Layout) => ({ layout: withLayoutClasses(layout, choice), notes });
  const trained = samples(train, 'train');
  const given = samples(validation, 'validation');
  const tested = samples(test, 'test');
  if (tested.length + given.length > 0) refuseFolds(held);
  if (tested.length > 0) return chosen({ classes, train: trained, validation: given, test: tested });
  if (given.length > 0) return chosen({ classes, train: trained, validation: [], test: given });
  const labels = Int32Array.from(trained, ({ label }) => label);
  const apart = new Set(heldOutSamples(labels, held));
  if (apart.size === 0) throw new RangeError('the classes have too few images to hold out some for testing');
  const part = (isTested: boolean) => trained.filter((_, index) => apart.has(index) === isTested);
  return chosen({ classes, train: part(false), validation: [], test: part(true) });
}
