import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { endOf } from './trainer-process.ts';

test('an error of a process does not replace its end', async () => {
  const child = new EventEmitter() as EventEmitter & Parameters<typeof endOf>[0];
  child.on('error', () => {});
  const end = endOf(child);
  child.emit('error', new Error('write EPIPE'));
  child.emit('close', null, 'SIGKILL');
  await expect(end).resolves.toEqual({ code: null, signal: 'SIGKILL' });
});
