/**
 * A setting, a flag or a combination of them that cannot be used. The message is one line that names the setting, its
 * value and what is allowed, so that a program can print it as it is and end with `exitCode`.
 */
export class ConfigurationError extends Error {
  readonly exitCode = 2;

  constructor(message: string) {
    super(message);
    this.name = 'ConfigurationError';
  }
}
