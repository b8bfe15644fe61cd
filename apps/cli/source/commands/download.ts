import { downloadJob } from '../download-job.ts';
import { clientAction, clientCommand } from '../run-command.ts';

interface DownloadOptions {
  out?: string;
  format?: string;
  precision?: string;
  input?: string;
}

export const download = () =>
  clientCommand('download')
    .summary('download weights and report')
    .description('Downloads the weights of every teacher and student of a finished job, and its report.')
    .argument('<job>', 'the id of the job')
    .option('--out <folder>', 'the folder to write to (default: one named after the job)')
    .option('--format <format>', 'the format of the weights, such as onnx (default: safetensors)')
    .option('--precision <precision>', "the format's precision, such as float16 or int8")
    .option('--input <input>', 'what an ONNX model takes: normalized or pixels')
    .action(
      clientAction(async ({ client, print, onInterrupt }, id: string, options: DownloadOptions) => {
        const { out = id, format, ...chosen } = options;
        onInterrupt(() => `  ${out} is incomplete; start again with: distill download ${id}`);
        const report = await client.jobs.report(id);
        print((await downloadJob(client, id, out, report, { format, options: chosen })).join('\n'));
      }),
    );
