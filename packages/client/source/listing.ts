/**
 * A list of the API, which comes in pages. Iterate it for its items: pages are requested one by one, as they are reached.
 *
 * @example
 * for await (const job of client.jobs.list({ state: 'failed' })) console.log(job.id);
 * const { jobs, next } = await client.jobs.list({ limit: 20 }).page();
 */
export interface Listing<Item, Page> extends AsyncIterable<Item> {
  /** Returns one page, as the API answers it: the first, or the one that `after` of the query asks for. */
  page(): Promise<Page>;
  /** Yields the pages, from that one to the last. */
  pages(): AsyncGenerator<Page, void, void>;
  /** Returns the items of all pages, or the first ones, at most `most`. */
  toArray(most?: number): Promise<Item[]>;
}

/** The parts of a page that a list needs. */
export interface PageReading<Item, Page> {
  items(page: Page): readonly Item[];
  /** Returns the `after` of the next page; null on the last page. */
  next(page: Page): string | null;
}

/** @param read requests the page after a position; without one, the page that the caller asked for */
export function listing<Item, Page>(
  read: (after?: string) => Promise<Page>,
  { items, next }: PageReading<Item, Page>,
): Listing<Item, Page> {
  async function* pages(): AsyncGenerator<Page, void, void> {
    for (let after: string | undefined; ; ) {
      const page = await read(after);
      yield page;
      const following = next(page);
      if (following === null) return;
      after = following;
    }
  }
  async function* all(): AsyncGenerator<Item, void, void> {
    for await (const page of pages()) yield* items(page);
  }
  return {
    page: () => read(),
    pages,
    [Symbol.asyncIterator]: all,
    async toArray(most = Infinity) {
      const found: Item[] = [];
      if (most <= 0) return found;
      for await (const item of all()) if (found.push(item) >= most) break;
      return found;
    },
  };
}
