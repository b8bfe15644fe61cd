import { z } from 'zod';
import { bestStudentSchema } from './best-student.ts';
import { type JobEvent, jobEventSchema } from './events.ts';
import { jobStates, stageStates } from './states.ts';

/** Webhooks: the requests by which the service tells other services what happens to jobs (Standard Webhooks 1.0). */

/** The types that one event each has. */
const plainTypes = ['report', 'warning', 'skipped', 'checkpoint', 'log', 'progress', 'metrics'] as const;

/** What a webhook can ask for: one type of events, or with `job` and `stage` all states of these. */
export const webhookEvents = [
  'job',
  ...jobStates.map((state) => `job.${state}` as const),
  'stage',
  ...stageStates.map((state) => `stage.${state}` as const),
  ...plainTypes,
] as const;
export type WebhookEvent = (typeof webhookEvents)[number];

/** The type of an event as webhooks name it: `job.succeeded`, `stage.running`, `report`. */
export function webhookTypeOf(event: JobEvent): WebhookEvent {
  if (event.type === 'job') return `job.${event.state}`;
  return event.type === 'stage' ? `stage.${event.state}` : event.type;
}

/** Whether a webhook with these `events` gets events of this type. */
export function asksFor(events: readonly WebhookEvent[], type: WebhookEvent): boolean {
  return events.includes(type) || events.includes(type.split('.')[0] as WebhookEvent);
}

const webhookIdForm = /^wh_[0-9a-f]{24}$/;
export const webhookIdSchema = z.string().regex(webhookIdForm, 'must be the id of a webhook, wh_…');

/** `whsec_` and 24 to 64 bytes in Base64, as Standard Webhooks ask for. */
const secretSchema = z.string().refine((text) => {
  const [, digits] = /^whsec_([A-Za-z0-9+/]+)={0,2}$/.exec(text) ?? [];
  const bytes = Math.floor(((digits?.length ?? 0) * 3) / 4);
  return bytes >= 24 && bytes <= 64;
}, 'must be whsec_ and 24 to 64 bytes in Base64');

const urlSchema = z
  .string()
  .max(2048)
  .superRefine((text, context) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
      context.addIssue({ code: 'custom', message: 'must be a URL that begins with https:// or http://' });
    } else if (url.username !== '' || url.password !== '') {
      context.addIssue({
        code: 'custom',
        message: 'must have no user and no password; the receiver checks the signature instead',
      });
    }
  });

const fields = {
  url: urlSchema.describe('Where events are sent, by POST.'),
  description: z
    .string()
    .max(200)
    .regex(/^\P{Cc}*$/u, 'must not contain control characters')
    .describe('A note for people.'),
  events: z
    .array(z.enum(webhookEvents))
    .min(1)
    .max(webhookEvents.length)
    .describe(
      'The types of events that are sent. `job` and `stage` stand for all states. `progress`, `metrics` and `log` come several times a second while a job trains.',
    ),
  jobs: z
    .enum(['all', 'named'])
    .describe('`all`: the events of all jobs of its owner. `named`: of the jobs whose `webhooks` name it.'),
};

export const newWebhookSchema = z.strictObject({
  url: fields.url,
  description: fields.description.default(''),
  events: fields.events.default(['job', 'report', 'warning', 'skipped']),
  jobs: fields.jobs.default('all'),
  secret: secretSchema
    .optional()
    .describe('The key of the signatures, `whsec_…` with 24 to 64 bytes in Base64. Default: a new one.'),
});
/** A webhook as it is created; what is left out has a default. */
export type NewWebhookInput = z.input<typeof newWebhookSchema>;
export type NewWebhook = z.output<typeof newWebhookSchema>;

export const webhookChangeSchema = z.strictObject({
  ...z.object(fields).partial().shape,
  enabled: z
    .boolean()
    .optional()
    .describe('`true` enables a disabled webhook. `false` disables it and gives up what waits for delivery.'),
});
/** What of a webhook is changed; what is left out stays. */
export type WebhookChange = z.output<typeof webhookChangeSchema>;

export const webhookSchema = z.object({
  id: webhookIdSchema.describe('The id of the webhook, which job specs may name.'),
  owner: z.string().nullable().describe('The name of the API key that created it; null if keys were off.'),
  ...fields,
  enabled: z.boolean().describe('Whether events are sent.'),
  disabledAt: z.iso.datetime().nullable().describe('When it was disabled; null while it is enabled.'),
  disabledReason: z.string().nullable().describe('Why it was disabled, for people.'),
  failingSince: z.iso
    .datetime()
    .nullable()
    .describe('The first failed attempt since the last success; null when there is none.'),
  lastDeliveredAt: z.iso.datetime().nullable().describe('The last success.'),
  waiting: z.number().int().min(0).describe('How many deliveries wait for their next attempt.'),
  createdAt: z.iso.datetime(),
});
/** A webhook without its secret. */
export type WebhookView = z.output<typeof webhookSchema>;

export const createdWebhookSchema = webhookSchema.extend({
  secret: z.string().describe('The key of the signatures, `whsec_…`. It is in this answer only.'),
});
/** A webhook that was just created, with its secret. */
export type CreatedWebhook = z.output<typeof createdWebhookSchema>;

export const webhookSecretSchema = z.object({
  secret: z.string().describe('The new key of the signatures. It is in this answer only.'),
  previousUntil: z.iso.datetime().describe('Until when each request has a signature of the old key, too.'),
});
/** The new secret of a webhook. */
export type WebhookSecret = z.output<typeof webhookSecretSchema>;

const attemptSchema = z.object({
  time: z.iso.datetime().describe('When the request was sent.'),
  durationMs: z.number().int().min(0).describe('How long it took, in milliseconds.'),
  status: z.number().int().nullable().describe('The status of the response; null without one.'),
  error: z.string().nullable().describe('Why the attempt failed, for people; null for a success.'),
});
/** One request of a delivery. */
export type DeliveryAttempt = z.output<typeof attemptSchema>;

export const deliverySchema = z.object({
  id: z.string().describe('The id of the event, which the request has as `webhook-id`.'),
  type: z.enum([...webhookEvents, 'test']).describe('The type of the event; `test` for a test.'),
  job: z.string().nullable().describe('The id of the job; null for a test.'),
  state: z
    .enum(['waiting', 'delivered', 'failed'])
    .describe('`waiting`: for its first or its next attempt. `failed`: it was given up.'),
  createdAt: z.iso.datetime(),
  nextAttemptAt: z.iso.datetime().nullable().describe('When it is tried next; null when it has ended.'),
  attempts: z.array(attemptSchema).describe('The latest attempts, oldest first, at most 20.'),
});
/** An event on its way to a webhook. */
export type Delivery = z.output<typeof deliverySchema>;

export const webhookPayloadSchema = z.object({
  type: z.enum(webhookEvents).describe('The type of the event, such as `job.succeeded`.'),
  timestamp: z.iso.datetime().describe('When it happened.'),
  data: z.object({
    event: jobEventSchema,
    job: z.object({
      id: z.string(),
      name: z.string().nullable(),
      labels: z.record(z.string(), z.string()),
      owner: z.string().nullable(),
      best: bestStudentSchema
        .nullable()
        .describe('The student that gained most; null before the report is there.'),
    }),
  }),
});
/** The body of a request to a webhook. */
export type WebhookPayload = z.output<typeof webhookPayloadSchema>;
