import type { Followed } from '@distillery/queue';
import { isTerminal, type JobEvent, type RecordedLine } from '@distillery/spec';
import { eventText } from './event-text.ts';

/** A line for people and for programs such as grep: a message of several lines is indented behind its first. */
export function lineOfText({ time, stage, level, message }: Omit<RecordedLine, 'id'>): string {
  return `${time} ${level.padEnd(5)} ${stage}: ${message.replaceAll('\n', '\n  ')}\n`;
}

/**
 * The texts of the lines among what is followed: as text, or as events, the last of which tells that the job has ended.
 *
 * @param wanted whether a line is asked for
 */
export async function* logTexts(
  parts: AsyncIterable<Followed>,
  wanted: (event: JobEvent) => boolean,
  asText: boolean,
): AsyncGenerator<string> {
  for await (const part of parts) {
    if ('gone' in part) continue;
    const texts = part.events.map((event) => {
      if (event.type === 'log' && wanted(event)) return asText ? lineOfText(event) : eventText(event);
      return !asText && event.type === 'job' && isTerminal(event.state) ? eventText(event) : '';
    });
    const text = texts.join('');
    if (text !== '') yield text;
  }
}
