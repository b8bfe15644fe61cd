import { DistilleryError, type ErrorCode } from '@distillery/spec';

/** What may pass: a connection that is cut, a host that is busy. The fetch goes on after a pause. */
export class Interruption extends Error {
  /** Milliseconds that the host asks to be left alone. */
  readonly pauseMs: number;

  constructor(message: string, pauseMs = 0) {
    super(message);
    this.name = 'Interruption';
    this.pauseMs = pauseMs;
  }
}

/** What does not pass: the reason why a data set has no file, with the remedy. */
export function refusal(message: string, code: ErrorCode = 'data_error', path = '/url'): DistilleryError {
  return new DistilleryError(code, message, { fields: [{ path, message }] });
}
