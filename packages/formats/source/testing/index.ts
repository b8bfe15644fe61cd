export { describeFormat } from './conformance.ts';
