/** The program that reads a data set for the first time: a process of its own, which may run out of memory or crash alone. */
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { asDistilleryError } from '@distillery/spec';
import { localFile, openStore } from '@distillery/store';
import { keptDataset, loadPlugins, makeProfile } from '@distillery/training';
import type { ProfileTask } from './profiler.ts';

const task = JSON.parse(process.argv[2] ?? '') as ProfileTask;
// Requests go first.
setPriority(10);
process.on('disconnect', () => process.exit(1));
await loadPlugins(task.plugins);
const store = await openStore(task.store, { warn: (message) => process.send?.({ warning: message }) });
const files = { folder: join(task.dataDir, 'files'), mostBytes: task.dataDisk };
try {
  await makeProfile(store, await keptDataset(store, task.dataset), {
    cacheDir: task.dataDir,
    roots: task.roots,
    diskBytes: task.dataDisk,
    memoryBytes: task.dataMemory,
    stored: (file) => localFile(store, file, files),
  });
  process.exit(0);
} catch (error) {
  const { code, message } = asDistilleryError(error);
  process.send?.({ warning: `the data set ${task.dataset} was not read (${code}): ${message}` }, () =>
    process.exit(1),
  );
}
