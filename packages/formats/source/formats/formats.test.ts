import { expect, test } from 'vitest';
import { describeFormat } from '../testing/conformance.ts';
import { formats } from './index.ts';

for (const format of formats.list) describeFormat(format);

test('the catalogue shows how a format is requested and sent', () => {
  expect(formats.catalogue()[0]).toMatchObject({
    type: 'safetensors',
    mediaType: 'application/octet-stream',
    extension: 'safetensors',
    reference: expect.stringMatching(/^https:/),
  });
});
