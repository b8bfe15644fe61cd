import { createInterface, type Interface } from 'node:readline/promises';

/** Asks a person at a terminal. */
export interface Asker {
  /** Returns the answer, or the default for an empty one; asks again until `check` has no complaint. */
  text(question: string, usual: string, check?: (answer: string) => string | undefined): Promise<string>;
  /** Returns one of the choices, which are given by name or number. */
  choice(question: string, choices: readonly string[], usual: string): Promise<string>;
  close(): void;
}

export function createAsker(input: NodeJS.ReadableStream, output: NodeJS.WritableStream): Asker {
  const lines: Interface = createInterface({ input, output });
  async function text(
    question: string,
    usual: string,
    check: (answer: string) => string | undefined = () => undefined,
  ) {
    for (;;) {
      const answer = (await lines.question(`  ${question} [${usual}] `)).trim() || usual;
      const complaint = check(answer);
      if (complaint === undefined) return answer;
      output.write(`  ${complaint}\n`);
    }
  }
  return {
    text,
    async choice(question, choices, usual) {
      output.write(`  ${question}\n`);
      for (const [i, one] of choices.entries()) output.write(`    ${String(i + 1).padStart(2)}  ${one}\n`);
      const nameOf = (answer: string) => (/^\d+$/.test(answer) ? choices[Number(answer) - 1] : answer);
      const answer = await text('name or number', usual, (given) =>
        choices.includes(nameOf(given)) ? undefined : `${given} is none of them`,
      );
      return nameOf(answer);
    },
    close: () => lines.close(),
  };
}
