/** How the set-up speaks: one line for each step, with the seconds it took. */

/**
 * Runs one step and prints its closing line. `work` gets `say`, for the lines that come before a wait
 * (a download, a compiler), and returns the closing words. An error ends the whole set-up.
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
