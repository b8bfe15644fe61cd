import type { Setting } from './setting.ts';

const hidden = '[redacted]';

/**
 * The text of a setting without what must not be shown. Also text that is not a URL may hold a password, so everything
 * before the last `@` is hidden.
 */
export function withoutSecrets(text: string, secret: Setting['secret']): string {
  switch (secret) {
    case 'all':
      return hidden;
    case 'login':
      return text
        .replace(/^([a-z+.-]+:\/\/)?.*@/is, `$1${hidden}@`)
        .replaceAll(/(password=)[^&]*/gi, `$1${hidden}`);
    default:
      return text;
  }
}
