import { createHash } from 'node:crypto';

/**
 * A stream of random numbers that is a pure function of its key: (seed, purpose, epoch, sample…). A run that is
 * resumed, or that visits samples in another order, gets the same numbers without any stored state.
 *
 * The key is hashed with SHA-256 into the state of sfc32 (Chris Doty-Humphrey, PractRand).
 */
export class RandomStream {
  private a: number;
  private b: number;
  private c: number;
  private counter = 1;

  constructor(a: number, b: number, c: number) {
    this.a = a | 0;
    this.b = b | 0;
    this.c = c | 0;
    // sfc32 mixes its first outputs poorly; its author's seeding discards them too.
    for (let i = 0; i < 12; i++) this.uint32();
  }

  /** Returns an integer in 0…2³² − 1. */
  uint32(): number {
    const sum = (((this.a + this.b) | 0) + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** Returns a number in [0, 1) with 32 random bits. */
  uniform(): number {
    return this.uint32() / 4294967296;
  }

  /** Returns an integer in 0…bound − 1, for bounds up to 2³². The bias is below bound / 2³². */
  below(bound: number): number {
    return Math.floor(this.uniform() * bound);
  }

  /** Returns a standard normal number (Box and Muller, 1958). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Shuffles a list in place (Fisher and Yates). */
  shuffle<A extends Int32Array | unknown[]>(items: A): A {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const kept = items[i];
      items[i] = items[j];
      items[j] = kept;
    }
    return items;
  }
}

/**
 * Returns the random stream of a key.
 *
 * @param seed the seed of the run
 * @param key the purpose of the numbers, most general first, such as `'dropout', 'classifier.2', step`
 */
export function randomStream(seed: number, ...key: (string | number)[]): RandomStream {
  const hash = createHash('sha256')
    .update(JSON.stringify([seed, ...key]))
    .digest();
  return new RandomStream(hash.readInt32LE(0), hash.readInt32LE(4), hash.readInt32LE(8));
}
