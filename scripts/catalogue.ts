/** Writes docs/methods.md and docs/architectures.md from the registries and from what bench/terms.json measured. */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readTermCosts } from '../bench/term-costs.ts';
import { architecturesPage } from './catalogue/architectures-page.ts';
import { methodsPage } from './catalogue/methods-page.ts';

const docs = join(resolve(import.meta.dirname, '..'), 'docs');

writeFileSync(join(docs, 'methods.md'), methodsPage(readTermCosts()));
writeFileSync(join(docs, 'architectures.md'), architecturesPage());
