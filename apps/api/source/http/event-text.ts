import type { Followed } from '@distillery/queue';
import type { JobEvent } from '@distillery/spec';

const known = new WeakMap<JobEvent, string>();

/** An event as clients of a stream get it. All readers of an event share the text. */
export function eventText(event: JobEvent): string {
  const text =
    known.get(event) ?? `id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
  known.set(event, text);
  return text;
}

/**
 * The texts of what is followed.
 *
 * @param reset the text in place of events that are gone, from the newest event by then
 */
export async function* eventTexts(
  parts: AsyncIterable<Followed>,
  reset: (latest: string | null) => Promise<string>,
): AsyncGenerator<string> {
  for await (const part of parts) {
    yield 'gone' in part ? await reset(part.gone.latest) : part.events.map(eventText).join('');
  }
}
