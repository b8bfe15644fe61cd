import { defaultOf } from '@distillery/spec/configuration';
import { addressRule } from '../outgoing/addresses.ts';
import type { WebhookSenderOptions } from './sender.ts';

/** The settings API_WEBHOOKS and WEBHOOK_*; undefined means the default. */
export interface WebhookSettings {
  apiWebhooks?: number | undefined;
  webhookNetworks?: readonly string[] | undefined;
  /** Seconds that a receiver has. */
  webhookTimeout?: number | undefined;
  /** Seconds to the second attempt. */
  webhookRetrySeconds?: number | undefined;
  /** Hours for which a delivery is tried. */
  webhookRetryHours?: number | undefined;
  /** Days without a success after which a webhook is disabled. */
  webhookDisableDays?: number | undefined;
}

/** What the settings mean: the most webhooks of an owner, and how requests are sent. */
export interface WebhookRules extends WebhookSenderOptions {
  most: number;
}

/** @param version the version of Distillery, for the `User-Agent` */
export function webhookRules(settings: WebhookSettings, version: string): WebhookRules {
  const hour = 60 * 60 * 1000;
  return {
    most: settings.apiWebhooks ?? defaultOf('apiWebhooks'),
    allows: addressRule(settings.webhookNetworks ?? [], 'WEBHOOK_NETWORKS'),
    agent: `Distillery/${version}`,
    timeoutMs: 1000 * (settings.webhookTimeout ?? defaultOf('webhookTimeout')),
    firstMs: 1000 * (settings.webhookRetrySeconds ?? defaultOf('webhookRetrySeconds')),
    forMs: hour * (settings.webhookRetryHours ?? defaultOf('webhookRetryHours')),
    disableMs: 24 * hour * (settings.webhookDisableDays ?? defaultOf('webhookDisableDays')),
  };
}
