import { scrub } from '@distillery/queue';
import { type DestinationStream, type Logger, pino } from 'pino';

const secret = ['authorization', 'cookie', 'proxy-authorization', 'x-api-key'];

/** JSON lines, on stdout when no other destination is given; no credentials show, in headers or elsewhere. */
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
