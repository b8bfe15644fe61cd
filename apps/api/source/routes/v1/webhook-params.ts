import { z } from 'zod';

/** Any string is accepted as an id: one that no webhook has is `webhook_not_found`. */
export const webhookParams = z.object({ webhook: z.string().max(200).describe('The id of the webhook.') });
