/** How long an idempotency key is kept. */
export const idempotencySeconds = 24 * 60 * 60;
