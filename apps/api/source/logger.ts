import { scrub } from '@distillery/queue';
import { type DestinationStream, type Logger, pino } from 'pino';

const secret = ['authorization', 'cookie', 'proxy-authorization', 'x-api-key'];

/** Creates a logger that writes JSON lines (default: to stdout), without credentials in headers or anywhere else. */
export function createLogger(level: string, destination?: DestinationStream): Logger {
  const paths = ['req.headers', 'headers'].flatMap((at) => secret.map((name) => `${at}["${name}"]`));
  const options = {
    level,
    base: { service: 'api' },
    redact: { paths, censor: '[redacted]' },
    hooks: { streamWrite: scrub },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}
