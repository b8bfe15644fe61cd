import type { LogLine } from '@distillery/spec';

/** The letters that TensorFlow and absl write for INFO, WARNING, ERROR and FATAL. */
const levels: Record<string, LogLine['level']> = { I: 'info', W: 'warn', E: 'error', F: 'error' };

/** Returns a line of a trainer's output as a log line. Its level is the one it states, or follows from its text. */
export function logLineOf(message: string, stream: 'stdout' | 'stderr'): LogLine {
  const [, letter] = /^(?:[\d-]{10} [\d:.]+: )?([IWEF])(?:\d{4})? /.exec(message) ?? [];
  const usual = stream === 'stdout' ? 'info' : 'warn';
  const level =
    letter !== undefined ? levels[letter] : /error|abort|what\(\)/i.test(message) ? 'error' : usual;
  return { source: 'trainer', level, message };
}
