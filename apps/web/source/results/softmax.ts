/** The probabilities of logits at a temperature: softmax(logits / temperature). */
export function softmax(logits: readonly number[], temperature = 1): number[] {
  const most = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp((logit - most) / temperature));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

/** KL(from‖to) of two distributions, in nats. What `from` holds for impossible adds nothing. */
export function divergence(from: readonly number[], to: readonly number[]): number {
  const sum = from.reduce((total, p, index) => (p === 0 ? total : total + p * Math.log(p / to[index])), 0);
  // Rounding may leave a sum just below 0.
  return Math.max(0, sum);
}

/** The index of the largest value; the first of equal ones. */
export const largestIndex = (values: readonly number[]): number => values.indexOf(Math.max(...values));
