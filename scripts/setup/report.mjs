/** The output of the setup: one line for each step, with its seconds. */

/**
 * Runs a step and prints a line with its result. `work` gets `print`, which prints a line before something slow such as a
 * download, and returns the result. An error ends the setup.
 */
export async function step(name, work) {
  const started = performance.now();
  const line = (text) => console.log(`  ${name.padEnd(9)} ${text.replaceAll('\n', `\n${' '.repeat(12)}`)}`);
  try {
    const [first, ...details] = (await work((text) => line(`… ${text}`))).split('\n');
    const seconds = ((performance.now() - started) / 1000).toFixed(2);
    line([`${first} (${seconds} s)`, ...details].join('\n'));
  } catch (error) {
    console.error(`  ${name.padEnd(9)} FAILED: ${error.message}`);
    process.exit(1);
  }
}
