import type { LogLine } from '@distillery/spec';

/** TensorFlow's and absl's letters: INFO, WARNING, ERROR, FATAL. */
const levels: Record<string, LogLine['level']> = { I: 'info', W: 'warn', E: 'error', F: 'error' };

/** A line that a trainer wrote to stdout or stderr, with the level that it states or that its words suggest. */
export function logLineOf(message: string, stream: 'stdout' | 'stderr'): LogLine {
  const [, letter] = /^(?:[\d-]{10} [\d:.]+: )?([IWEF])(?:\d{4})? /.exec(message) ?? [];
  const usual = stream === 'stdout' ? 'info' : 'warn';
  const level =
    letter !== undefined ? levels[letter] : /error|abort|what\(\)/i.test(message) ? 'error' : usual;
  return { source: 'trainer', level, message };
}
