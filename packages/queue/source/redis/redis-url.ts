/** A parsed Redis URL: the address of a Redis and the login. */
export interface RedisAddress {
  /** One server, a master that Sentinels know by name, or a Cluster. */
  kind: 'server' | 'sentinel' | 'cluster';
  /** The server, the Sentinels, or some nodes of the Cluster. */
  hosts: { host: string; port: number }[];
  tls: boolean;
  username?: string;
  password?: string;
  /** The number of the database; 0 when the URL has none. */
  db: number;
  /** The name of the master for the Sentinels. */
  master?: string;
  sentinelUsername?: string;
  sentinelPassword?: string;
  /** PEM files: authorities to trust instead of the system's; a certificate for the client and its key. */
  ca?: string;
  cert?: string;
  key?: string;
}

const form =
  /^(redis|rediss)(?:\+(sentinel|cluster))?:\/\/(?:([^/?#]*)@)?([^/?#@]*)(\/[^?#]*)?(?:\?([^#]*))?$/;

const kindOptions: Record<RedisAddress['kind'], readonly string[]> = {
  server: [],
  sentinel: ['sentinel_username', 'sentinel_password'],
  cluster: [],
};
const tlsOptions = ['ca', 'cert', 'key'];

/**
 * Parses `redis://user:password@host:port/db`, `redis+sentinel://host:port,host:port/master/db` and
 * `redis+cluster://host:port,host:port`, each also with `rediss` for TLS. After a `?`: `ca`, `cert`, `key` (paths of PEM
 * files) with TLS; `sentinel_username`, `sentinel_password`.
 *
 * @throws RangeError that names the fault, but no user and no password
 */
export function parseRedisUrl(url: string): RedisAddress {
  const [, scheme, kind = 'server', login, hosts, path = '', query = ''] = form.exec(url) ?? [];
  if (scheme === undefined) {
    const found = /^([a-z+.-]{1,40}):\/\//i.exec(url)?.[1];
    throw new RangeError(
      `a Redis URL begins with redis://, redis+sentinel:// or redis+cluster:// (rediss… for TLS)${
        found === undefined ? '' : `, this one begins with ${found}:// or is not complete`
      }`,
    );
  }
  const address: RedisAddress = {
    kind: kind as RedisAddress['kind'],
    hosts: hosts.split(',').map((host) => hostOf(host, kind === 'sentinel' ? 26379 : 6379)),
    tls: scheme === 'rediss',
    ...loginOf(login),
    db: 0,
  };
  if (kind === 'server' && address.hosts.length > 1) {
    throw new RangeError(`${hosts} is more than one server: use redis+sentinel:// or redis+cluster://`);
  }
  const parts = path
    .split('/')
    .slice(1)
    .map((part) => decoded(part, 'path'));
  if (kind === 'sentinel') {
    const master = parts.shift();
    if (!master)
      throw new RangeError(
        'redis+sentinel:// needs the name of the master after the hosts, as in …/mymaster',
      );
    address.master = master;
  }
  address.db = dbOf(parts, kind);
  const allowed = [...kindOptions[address.kind], ...(address.tls ? tlsOptions : [])];
  for (const [name, value] of new URLSearchParams(query)) {
    if (!allowed.includes(name)) {
      const needsTls = tlsOptions.includes(name) ? ': only with rediss' : '';
      const hint = allowed.length === 0 ? needsTls : `, but ${allowed.join(', ')}`;
      throw new RangeError(`a Redis URL of this kind has no option ${JSON.stringify(name)}${hint}`);
    }
    address[camelCase(name)] = value;
  }
  return address;
}

type Option = 'ca' | 'cert' | 'key' | 'sentinelUsername' | 'sentinelPassword';
const camelCase = (name: string) =>
  name.replace(/_(\w)/, (_, letter: string) => letter.toUpperCase()) as Option;

function hostOf(text: string, usualPort: number): { host: string; port: number } {
  const [, six, name, digits] = /^(?:\[([\da-f:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/i.exec(text) ?? [];
  const host = six ?? name;
  const port = digits === undefined ? usualPort : Number(digits);
  if (host === undefined || port < 1 || port > 65_535) {
    throw new RangeError(`${JSON.stringify(text)} in the Redis URL is not a host and a port`);
  }
  return { host, port };
}

/** A password without a user is that of the user `default`, as ioredis has it. */
function loginOf(login: string | undefined): Pick<RedisAddress, 'username' | 'password'> {
  if (!login) return {};
  const [user, ...rest] = login.split(':');
  const username = decoded(user, 'user');
  const password = decoded(rest.join(':'), 'password');
  return { ...(username === '' ? {} : { username }), ...(password === '' ? {} : { password }) };
}

function dbOf(parts: string[], kind: string): number {
  const [db = '', ...more] = parts;
  if (more.length > 0 || !/^\d{0,4}$/.test(db)) {
    throw new RangeError(
      `${JSON.stringify(parts.join('/'))} in the Redis URL is not the number of a database`,
    );
  }
  if (kind === 'cluster' && Number(db) !== 0) {
    throw new RangeError(`a Redis Cluster has only database 0, the URL asks for ${db}`);
  }
  return Number(db);
}

function decoded(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new RangeError(
      `the ${what} in the Redis URL has a % that is not part of an escape: write %25 for it`,
    );
  }
}
