export { allInputs } from './all-inputs.ts';
export { generatedSplit } from './generated-reader.ts';
export { syntheticTexts } from './synthetic-texts.ts';
