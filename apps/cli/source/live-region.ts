import { cut } from './fit.ts';

/** The lines at the end of a terminal that are drawn again and again. */
export interface LiveRegion {
  /** Draws lines in place of those before; each is cut at the width of the terminal. */
  draw(lines: readonly string[]): void;
  /** Writes a line above them, which stays. */
  note(text: string): void;
  /** Ends: the lines stay with `keep`, else they are removed. */
  end(keep?: boolean): void;
}

const clearBelow = '\u001B[J';
const clearRest = '\u001B[K';
const hideCursor = '\u001B[?25l';
const showCursor = '\u001B[?25h';

export function liveRegion(out: Pick<NodeJS.WriteStream, 'write' | 'columns'>): LiveRegion {
  let drawn: readonly string[] = [];
  const home = () => (drawn.length === 0 ? '' : `\r${drawn.length > 1 ? `\u001B[${drawn.length - 1}A` : ''}`);
  return {
    draw(lines) {
      // One write, so that a terminal never shows half of it.
      const width = out.columns ?? 80;
      const text = lines.map((line) => cut(line, width - 1) + clearRest).join('\n');
      out.write(`${drawn.length === 0 ? hideCursor : home()}${text}${clearBelow}`);
      drawn = lines;
    },
    note(text) {
      const before = drawn;
      out.write(`${home()}${text}${clearRest}\n${clearBelow}`);
      drawn = [];
      if (before.length > 0) this.draw(before);
    },
    end(keep = false) {
      if (drawn.length === 0) return;
      out.write(`${keep ? '\n' : `${home()}${clearBelow}`}${showCursor}`);
      drawn = [];
    },
  };
}
