const apiKey = /dk_([0-9a-f]{12})_[\w-]{43}/g;
const login = /(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/?#"]*@/gi;

/**
 * Removes the secrets of API keys and the logins of URLs from a log line, wherever they are: in the address of a request,
 * for example, or in the message of an error. The id of a key stays.
 */
export function scrub(line: string): string {
  return line.replace(apiKey, 'dk_$1_[redacted]').replace(login, '$1[redacted]@');
}
