import { expect, test } from 'vitest';
import { liveRegion } from './live-region.ts';

const sequences = new RegExp(`${String.fromCharCode(27)}\\[([?\\d]*)([A-Za-z])|([^])`, 'g');

/** A terminal that understands the few sequences that a live region uses. */
function terminal(columns = 20) {
  const screen = [''];
  let [row, column] = [0, 0];
  const write = (text: string) => {
    for (const [, sequence, letter, character] of text.matchAll(sequences)) {
      if (character === '\r') column = 0;
      else if (character === '\n') {
        [row, column] = [row + 1, 0];
        screen[row] ??= '';
      } else if (character !== undefined) {
        screen[row] = screen[row].slice(0, column).padEnd(column) + character + screen[row].slice(column + 1);
        column++;
      } else if (letter === 'A') row -= Number(sequence);
      else if (letter === 'K') screen[row] = screen[row].slice(0, column);
      else if (letter === 'J') {
        screen.length = row + 1;
        screen[row] = screen[row].slice(0, column);
      }
    }
    return true;
  };
  return { out: { columns, write }, screen };
}

test('lines are drawn in place of those before, also when there are fewer', () => {
  const { out, screen } = terminal();
  const region = liveRegion(out);
  region.draw(['one', 'two', 'three']);
  region.draw(['1', '2']);
  expect(screen).toEqual(['1', '2']);
  region.draw(['first', 'second', 'third']);
  expect(screen).toEqual(['first', 'second', 'third']);
});

test('a note stays above them', () => {
  const { out, screen } = terminal();
  const region = liveRegion(out);
  region.draw(['one', 'two']);
  region.note('note');
  expect(screen).toEqual(['note', 'one', 'two']);
});

test('they stay at the end, or are removed', () => {
  const kept = terminal();
  const stays = liveRegion(kept.out);
  stays.draw(['one', 'two']);
  stays.end(true);
  expect(kept.screen).toEqual(['one', 'two', '']);
  const { out, screen } = terminal();
  const removed = liveRegion(out);
  removed.draw(['one', 'two']);
  removed.end();
  expect(screen).toEqual(['']);
});

test('a line is cut at the width of the terminal', () => {
  const { out, screen } = terminal(10);
  liveRegion(out).draw(['0123456789abc']);
  expect(screen).toEqual(['01234567…']);
});
