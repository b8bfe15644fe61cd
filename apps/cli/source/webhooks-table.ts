import { styleText } from 'node:util';
import type { Delivery, DeliveryAttempt, WebhookView } from '@distillery/spec';
import { ago, localTime } from './format.ts';
import { table } from './table.ts';

/** Webhooks, one a row; those that do not send, or fail, say why below the table. */
export function webhooksTable(webhooks: readonly WebhookView[], now = Date.now()): string {
  const rows = webhooks.map((one) => [
    one.id,
    one.url,
    one.events.join(', '),
    one.jobs,
    stateOf(one),
    one.waiting === 0 ? '–' : String(one.waiting),
    one.lastDeliveredAt === null ? '–' : ago(one.lastDeliveredAt, now),
  ]);
  const notes = webhooks.flatMap(({ id, disabledReason, failingSince }) => {
    if (disabledReason !== null)
      return [`  ${id}: ${disabledReason}`, `    to go on: distill webhooks enable ${id}`];
    if (failingSince === null) return [];
    return [
      `  ${id}: every attempt has failed since ${localTime(failingSince)}`,
      `    to see why: distill webhooks deliveries ${id}`,
    ];
  });
  return [
    table(
      [
        { title: 'webhook', whole: true },
        { title: 'url' },
        { title: 'events' },
        { title: 'jobs' },
        { title: 'state', whole: true },
        { title: 'waiting', align: 'right' },
        { title: 'last sent' },
      ],
      rows,
    ),
    ...(notes.length === 0 ? [] : ['', ...notes]),
  ].join('\n');
}

function stateOf({ enabled, failingSince }: WebhookView): string {
  if (!enabled) return styleText('red', 'disabled');
  return failingSince === null ? styleText('green', 'enabled') : styleText('yellow', 'failing');
}

/** Deliveries, one a row, with the last attempt of each. */
export function deliveriesTable(deliveries: readonly Delivery[]): string {
  const styles = { delivered: 'green', waiting: 'yellow', failed: 'red' } as const;
  return table(
    [
      { title: 'delivery', whole: true },
      { title: 'type', whole: true },
      { title: 'job', whole: true },
      { title: 'state', whole: true },
      { title: 'tries', align: 'right' },
      { title: 'last attempt' },
      { title: 'next' },
    ],
    deliveries.map(({ id, type, job, state, attempts, nextAttemptAt }) => [
      id,
      type,
      job ?? '–',
      styleText(styles[state], state),
      String(attempts.length),
      attempts.slice(-1).map(attemptText).join('') || '–',
      nextAttemptAt === null ? '–' : localTime(nextAttemptAt),
    ]),
  );
}

/** `204 in 31 ms`, `the connection was refused (ECONNREFUSED)` */
export function attemptText({ status, error, durationMs }: DeliveryAttempt): string {
  return error ?? `${status} in ${durationMs} ms`;
}
