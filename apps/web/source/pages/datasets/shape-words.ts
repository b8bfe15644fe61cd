import type { DatasetProfile } from '@distillery/spec';
import { counted, number } from '../../format/numbers.ts';

/** What a sample is, in a few words: `32×32 pixels in colour`, `up to 128 tokens`, `4 numbers`. */
export function shapeWords({ inputs, shape }: Pick<DatasetProfile, 'inputs' | 'shape'>): string {
  if (inputs === 'text') return `up to ${counted(shape[0], 'token')}`;
  if (inputs === 'table') return counted(shape[0], 'number');
  const [height, width, channels] = shape;
  return `${number(height)}×${number(width)} pixels, ${channels === 1 ? 'grey' : 'in colour'}`;
}
