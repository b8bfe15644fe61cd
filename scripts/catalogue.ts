/** Writes the generated pages of docs/ from the registries, the schemas and the measurements of bench/terms.json. */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readTermCosts } from '../bench/term-costs.ts';
import { apiPage } from './catalogue/api-page.ts';
import { architecturesPage } from './catalogue/architectures-page.ts';
import { configurationPage } from './catalogue/configuration-page.ts';
import { jobSpecPage } from './catalogue/job-spec-page.ts';
import { methodsPage } from './catalogue/methods-page.ts';

const root = resolve(import.meta.dirname, '..');
const docs = join(root, 'docs');

writeFileSync(join(docs, 'methods.md'), methodsPage(readTermCosts()));
writeFileSync(join(docs, 'architectures.md'), architecturesPage());
writeFileSync(join(docs, 'job-spec.md'), jobSpecPage(join(root, 'examples')));
writeFileSync(join(docs, 'api.md'), await apiPage());
writeFileSync(join(docs, 'configuration.md'), configurationPage());
