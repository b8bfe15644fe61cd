/** The most different pieces that are counted; beyond it the rarest are dropped. */
const maximumPieces = 2_000_000;

/**
 * Counts pieces of texts in bounded memory. When there are too many different pieces, the rarest are dropped, so that the
 * counts of frequent pieces stay nearly exact. The same texts in the same order give the same counts.
 */
export function pieceCounter(maximum = maximumPieces) {
  const counts = new Map<string, number>();
  let rare = 1;
  return {
    counts,
    add(pieces: readonly string[]): void {
      for (const piece of pieces) counts.set(piece, (counts.get(piece) ?? 0) + 1);
      while (counts.size > maximum) {
        for (const [piece, count] of counts) if (count <= rare) counts.delete(piece);
        rare++;
      }
    },
  };
}
