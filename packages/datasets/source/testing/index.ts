export { allInputs } from './all-inputs.ts';
export { zipFile } from './array-files.ts';
export { generatedSplit } from './generated-reader.ts';
export { photograph, writeImages } from './synthetic-images.ts';
export { syntheticTable, writeDigits } from './synthetic-arrays.ts';
export { syntheticTexts } from './synthetic-texts.ts';
export { contextIn, png, writeFiles } from './fixtures.ts';
export { mutated } from './mutated.ts';
export { type WholeFiles, wholeFiles } from './whole-files.ts';
