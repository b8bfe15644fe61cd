/** What a program that runs `distill` can tell from its exit code. The help shows this table. */
export const exitCodes = {
  success: { code: 0, meaning: 'done; a job that was followed has succeeded' },
  failure: { code: 1, meaning: 'a job failed or was cancelled, or a check found damage' },
  usage: { code: 2, meaning: 'the command line, a setting or a file of the user cannot be used' },
  refused: { code: 3, meaning: 'the API refused the request, such as an invalid spec or an unknown job' },
  noService: { code: 4, meaning: 'the API cannot be reached, or cannot answer now' },
  interrupted: { code: 130, meaning: 'ended by Ctrl-C or SIGTERM' },
} as const;

/** The table as lines for the help. */
export function exitCodeHelp(): string {
  const lines = Object.values(exitCodes).map(({ code, meaning }) => `  ${String(code).padEnd(4)} ${meaning}`);
  return ['Exit codes:', ...lines].join('\n');
}
