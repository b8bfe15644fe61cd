import { downloadBundles, downloadJob } from '../download-job.ts';
import { UsageError } from '../failure.ts';
import { clientAction, clientCommand } from '../run-command.ts';

interface DownloadOptions {
  out?: string;
  format?: string;
  precision?: string;
  input?: string;
  bundle?: boolean;
  license?: string;
}

export const download = () =>
  clientCommand('download')
    .summary('download weights and report')
    .description(
      'Downloads the weights of every teacher and student of a finished job, or bundles of its students, and its report.',
    )
    .argument('<job>', 'the id of the job')
    .option('--out <folder>', 'the folder to write to (default: one named after the job)')
    .option('--format <format>', 'the format of the weights, such as onnx (default: safetensors)')
    .option('--precision <precision>', "the format's precision, such as float16 or int8")
    .option('--input <input>', 'what an ONNX model takes: normalized or pixels')
    .option(
      '--bundle',
      'archives of every student with labels, preparation, model card and programs that run it',
    )
    .option('--license <license>', 'the license that the model cards of bundles name, such as apache-2.0')
    .action(
      clientAction(async ({ client, print, onInterrupt }, id: string, options: DownloadOptions) => {
        const { out = id, format, bundle, license, ...chosen } = options;
        if (license !== undefined && !bundle) throw new UsageError('--license belongs to --bundle');
        onInterrupt(() => `  ${out} is incomplete; start again with: distill download ${id}`);
        const report = await client.jobs.report(id);
        const choice = { format, options: chosen };
        const files = bundle
          ? await downloadBundles(client, id, out, report, { ...choice, license })
          : await downloadJob(client, id, out, report, choice);
        print(files.join('\n'));
      }),
    );
