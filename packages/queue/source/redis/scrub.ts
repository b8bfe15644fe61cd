const apiKey = /dk_([0-9a-f]{12})_[\w-]{43}/g;
const login = /(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/?#"]*@/gi;

/**
 * A line of a log without the secrets of API keys and without the logins of URLs, wherever it holds them: in a request's
 * address, say, or in an error's message. A key's id stays.
 */
export function scrub(line: string): string {
  return line.replace(apiKey, 'dk_$1_[redacted]').replace(login, '$1[redacted]@');
}
