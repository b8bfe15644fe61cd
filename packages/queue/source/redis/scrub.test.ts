import { expect, test } from 'vitest';
import { scrub } from './scrub.ts';

const id = '0123456789ab';
const secret = `${'aZ9-_'.repeat(8)}xyz`;

test.each([
  [`GET /v1/jobs?token=dk_${id}_${secret}&limit=1`, `GET /v1/jobs?token=dk_${id}_[redacted]&limit=1`],
  [`dk_${id}_${secret} and dk_${id}_${secret}`, `dk_${id}_[redacted] and dk_${id}_[redacted]`],
  ['redis://ann:pass@host:6379/0', 'redis://[redacted]@host:6379/0'],
  [
    '{"url":"rediss+sentinel://:p@ss@a:1,b:2/mymaster"}',
    '{"url":"rediss+sentinel://[redacted]@a:1,b:2/mymaster"}',
  ],
  ['redis://localhost:6379 for ann@example.org', 'redis://localhost:6379 for ann@example.org'],
  ['https://host/path/a@b?c=d@e', 'https://host/path/a@b?c=d@e'],
])('%j', (line, scrubbed) => {
  expect(scrub(line)).toBe(scrubbed);
});
