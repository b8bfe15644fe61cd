import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import {
  ConfigurationError,
  type Configuration,
  defaultOf,
  environmentOf,
  folderUrl,
  misspeltVariables,
  printable,
  type Program,
  programs,
  readConfiguration,
  readFlags,
  type Setting,
  settings,
  settingsOf,
} from './index.ts';

const redis = { REDIS_URL: 'redis://localhost:6379' };
const table = Object.entries(settings) as [string, Setting][];

/** A value of each setting other than its default, as text and as the program gets it, and texts that are refused. */
const cases: Record<string, { text: string; value: unknown; bad: string[] }> = {
  redisUrl: {
    text: 'rediss+sentinel://a:1,b:2/main',
    value: 'rediss+sentinel://a:1,b:2/main',
    bad: ['localhost:6379', 'http://localhost', 'redis://a b'],
  },
  volatileRedis: { text: 'allow', value: true, bad: ['true', 'Allow'] },
  folder: { text: 'x', value: resolve('x'), bad: [] },
  store: { text: 'file:/srv/a%20b/', value: 'file:///srv/a%20b', bad: ['file:runs/store', 's3://a b'] },
  dataDir: { text: '/srv/data', value: '/srv/data', bad: [] },
  dataDisk: { text: '2 TiB', value: 2 * 2 ** 40, bad: ['all', '-1 GiB'] },
  dataMemory: { text: '64 MiB', value: 64 * 2 ** 20, bad: ['half', '0'] },
  roots: { text: '/a::b', value: ['/a', resolve('b')], bad: [] },
  plugins: { text: 'terms:./mine.js:/c.js', value: ['terms', resolve('mine.js'), '/c.js'], bad: [] },
  logLevel: { text: 'warn', value: 'warn', bad: ['warning', 'INFO'] },
  host: { text: '::1', value: '::1', bad: ['http://localhost', 'a b'] },
  port: { text: '0', value: 0, bad: ['-1', '65536', '80.5', '1e3', 'http'] },
  metricsPort: { text: '9090', value: 9090, bad: ['-1', '65536', 'http'] },
  apiKeys: { text: 'required', value: 'required', bad: ['no', 'true'] },
  apiRate: { text: '1', value: 1, bad: ['0', 'many'] },
  apiJobs: { text: '1', value: 1, bad: ['0', '1.5'] },
  apiPriority: { text: '-3', value: -3, bad: ['11', '-11', '1.5', '+1'] },
  apiStreams: { text: '50', value: 50, bad: ['0'] },
  allowedHosts: {
    text: 'distill.example, ::1,GPU-1',
    value: ['distill.example', '::1', 'gpu-1'],
    bad: ['distill.example:8080', 'http://distill.example', '*.example', 'a b', '-a'],
  },
  sessionDays: { text: '30', value: 30, bad: ['0', '366', '0.5'] },
  sessionIdleHours: { text: '1', value: 1, bad: ['0', '8761'] },
  retainDays: { text: '30', value: 30, bad: ['0', '0.5', '36501'] },
  retainJobs: { text: '1', value: 1, bad: ['0', 'all'] },
  retainAudit: { text: '1', value: 1, bad: ['0', '-1'] },
  apiWebhooks: { text: '0', value: 0, bad: ['-1', 'all'] },
  webhookNetworks: {
    text: '10.1.0.0/16,127.0.0.1,fd00::/8',
    value: ['10.1.0.0/16', '127.0.0.1', 'fd00::/8'],
    bad: ['loopback', '10.0.0.0/33', '10.0.0.0/0', 'example.com', '10.0.0.0/8/8'],
  },
  webhookTimeout: { text: '5', value: 5, bad: ['0', '61', '1.5'] },
  webhookRetrySeconds: { text: '10', value: 10, bad: ['0', '3601'] },
  webhookRetryHours: { text: '0', value: 0, bad: ['-1', '721'] },
  webhookDisableDays: { text: '1', value: 1, bad: ['0', '366'] },
  uploadBytes: { text: '1.5 GiB', value: 1.5 * 2 ** 30, bad: ['0', '-1', '5 GB of it', '1.5', '0.1 B'] },
  uploadQuota: { text: '1000000', value: 1_000_000, bad: ['none', '1e6'] },
  fetchNetworks: { text: '10.1.0.0/16', value: ['10.1.0.0/16'], bad: ['localhost'] },
  uploadHours: { text: '1', value: 1, bad: ['0', '8761', '0.5'] },
  trustProxy: {
    text: 'loopback, 10.0.0.0/8,::1',
    value: ['loopback', '10.0.0.0/8', '::1'],
    bad: ['true', '10.0.0.0/33', '10.0.0.0/0', '10.0.0.0/8/8', 'proxy.example', '::1/129'],
  },
  retainMetrics: { text: '1', value: 1, bad: ['0', '1e6'] },
  trainers: { text: '64', value: 64, bad: ['0', '65', 'two', '-1', '0x2'] },
  gpus: { text: 'all', value: ['all'], bad: ['0;1', '0 1'] },
  capabilities: { text: 'a100, eu-west.1', value: ['a100', 'eu-west.1'], bad: ['a b', '-a', 'a=1'] },
  oneShot: { text: '60', value: 60, bad: ['0', '86401', '1.5'] },
  stallSeconds: { text: '10', value: 10, bad: ['9', '86401'] },
  lockSeconds: { text: '3', value: 3, bad: ['2', '601'] },
  graceSeconds: { text: '86400', value: 86_400, bad: ['0', '86401'] },
  engine: { text: 'wasm', value: 'wasm', bad: ['cuda', 'WASM'] },
  step: { text: 'eager', value: 'eager', bad: ['graph', 'Eager'] },
  workers: { text: '2', value: 2, bad: ['0', '65'] },
  url: {
    text: 'https://d.example/api',
    value: 'https://d.example/api',
    bad: ['localhost:8080', 'd.example'],
  },
  token: { text: 'dk_1_2', value: 'dk_1_2', bad: ['dk_1 2'] },
  cache: { text: '/c', value: '/c', bad: [] },
  wheelDigest: { text: 'a'.repeat(64), value: 'a'.repeat(64), bad: ['abc'] },
};

function refusal(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError);
    const { message, exitCode } = error as ConfigurationError;
    expect(exitCode).toBe(2);
    expect(message).not.toContain('\n');
    return message;
  }
  throw new Error('nothing was refused');
}

describe.each(table)('%s', (name, setting) => {
  const { variable, flag, type, secret, alias } = setting;
  const [program] = setting.programs;
  const { text, value, bad } = cases[name];
  const read = (environment: object, flags: object = {}, by: Program = program) =>
    (readConfiguration(by, { ...redis, ...environment }, flags as never) as Record<string, unknown>)[name];

  test('is read from its variable and its flag, which goes first', () => {
    expect(read({ [variable]: text })).toEqual(value);
    if (flag === undefined) return;
    expect(read({}, { [flag]: text })).toEqual(value);
    expect(read({ [variable]: setting.default ?? text }, { [flag]: text })).toEqual(value);
  });

  test('has its documented default, which an empty text leaves in place', () => {
    if (setting.default === undefined) return;
    const usual = type.codec.parse(setting.default);
    for (const by of setting.programs) {
      expect(read({}, {}, by)).toEqual(usual);
      expect(read({ [variable]: ' ' }, {}, by)).toEqual(usual);
    }
    expect(read({ [variable]: text })).not.toEqual(usual);
  });

  test('goes back into the environment', () => {
    const encoded = type.codec.encode(value);
    expect(read({ [variable]: encoded })).toEqual(value);
  });

  test.each(bad)('%j is refused', (wrong) => {
    const shown = secret === 'all' ? '[redacted]' : wrong;
    const rest = `is ${JSON.stringify(shown)}, it must be ${type.allowed}`;
    expect(refusal(() => read({ [variable]: wrong }))).toBe(`${variable} ${rest}`);
    if (flag !== undefined) expect(refusal(() => read({}, { [flag]: wrong }))).toBe(`${flag} ${rest}`);
  });

  test('has names of one style, and whole sentences', () => {
    expect(variable).toMatch(/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/);
    if (flag !== undefined) expect(flag).toMatch(/^--[a-z]+(-[a-z]+)*$/);
    for (const { description } of [setting, ...(alias === undefined ? [] : [alias])]) {
      expect(description).toMatch(/^[A-Z`].*\.$/);
    }
    expect([setting.default, setting.defaultWords].filter((one) => one !== undefined).length).toBeLessThan(2);
  });
});

test('every setting has a case here, and every name is used once', () => {
  expect(Object.keys(cases)).toEqual(table.map(([name]) => name));
  const names = table.flatMap(([, { variable, flag, alias }]) => [
    variable,
    flag,
    alias?.variable,
    alias?.flag,
  ]);
  const given = names.filter((name) => name !== undefined);
  expect(new Set(given).size).toBe(given.length);
});

test.each(['api', 'worker'] as const)('up takes every setting of the %s', (program) => {
  const names = settingsOf('up').map(([name]) => name);
  // Its workers are in its own process: they share what GPU there is, and stay as long as it does.
  const ofProcesses = ['gpus', 'oneShot'];
  const wanted = settingsOf(program).map(([name]) => name);
  expect(names).toEqual(expect.arrayContaining(wanted.filter((name) => !ofProcesses.includes(name))));
});

test('up passes on every setting that it is given', () => {
  const environment = Object.fromEntries(
    settingsOf('up').map(([name, { variable }]) => [variable, cases[name].text]),
  );
  const configuration = readConfiguration('up', environment);
  const expected = settingsOf('up').map(([name]) => [name, cases[name].value]);
  expect(configuration).toEqual(Object.fromEntries(expected));
});

test.each(['api', 'worker'] as const)('%s does not start without REDIS_URL', (program) => {
  expect(refusal(() => readConfiguration(program, {}))).toBe(
    'REDIS_URL is not set, it must be a URL that begins with redis:// or rediss://',
  );
});

test.each(['up', 'demo', 'cli', 'keys', 'trainer'] as const)('%s starts with nothing set', (program) => {
  expect(readConfiguration(program, {})).not.toHaveProperty('redisUrl', expect.anything());
});

test('store and data lie in the folder of everything whose place is not set', () => {
  const { store, dataDir } = readConfiguration('api', { ...redis, DISTILLERY_FOLDER: '/srv' });
  expect([store, dataDir]).toEqual(['file:///srv/store', join('/srv', 'data')]);
  const usual = readConfiguration('worker', redis);
  expect([usual.store, usual.dataDir]).toEqual([
    pathToFileURL(resolve('runs/store')).href,
    resolve('runs/data'),
  ]);
  expect(readConfiguration('up', { DATA_DIR: 'd' }, { '--folder': '/srv' })).toMatchObject({
    store: 'file:///srv/store',
    dataDir: resolve('d'),
  });
});

describe('STORE_DIR', () => {
  test('is a folder, and STORE its URL', () => {
    const { store } = readConfiguration('api', { ...redis, STORE_DIR: 'a b' });
    expect(store).toBe(folderUrl(resolve('a b')));
    expect(fileURLToPath(store)).toBe(resolve('a b'));
    expect(readConfiguration('up', {}, { '--store-dir': '/srv/x' }).store).toBe('file:///srv/x');
    expect(readConfiguration('up', { STORE: 'a b' }).store).toBe(store);
    expect(readConfiguration('up', { STORE: 's3://bucket/x' }).store).toBe('s3://bucket/x');
  });

  test('is refused beside STORE', () => {
    const both = { ...redis, STORE_DIR: '/a', STORE: 'file:/a' };
    expect(refusal(() => readConfiguration('api', both))).toBe(
      'STORE and STORE_DIR are both set: leave one of them out',
    );
    // A flag goes before either variable.
    expect(readConfiguration('api', { ...redis, STORE_DIR: '/a' }, { '--store': 'file:/b' }).store).toBe(
      'file:///b',
    );
  });
});

test('a list flag may be repeated', () => {
  const { roots } = readConfiguration('up', { DATA_ROOTS: '/other' }, { '--root': ['/a', '/b'] });
  expect(roots).toEqual(['/a', '/b']);
});

test('an unknown flag is refused, with the one that was meant', () => {
  expect(refusal(() => readConfiguration('api', redis, { '--prot': '80' }))).toBe(
    'there is no flag --prot: did you mean --port?',
  );
  const message = refusal(() => readConfiguration('worker', redis, { '--port': '80' }));
  expect(message).toMatch(/^there is no flag --port: the flags are --redis-volatile, .*--trainers/);
});

test('flags are read from a command line', () => {
  const read = (...args: string[]) => readFlags('up', args);
  expect(read('--trainers', '2', '--root=a', '--root', 'b')).toEqual({
    '--trainers': '2',
    '--root': ['a', 'b'],
  });
  expect(Object.keys(read('--fly', '-x', 'now'))).toEqual(['--fly', '-x']);
  expect(refusal(() => read('--trainers'))).toBe('--trainers needs a value');
  expect(refusal(() => read('now'))).toBe('"now" is not a flag, flags begin with --');
});

test.each([
  ['STORE_DIRS', 'STORE_DIR'],
  ['TRAINER', 'TRAINERS'],
  ['REDIS_URI', 'REDIS_URL'],
  ['STALL_SECOND', 'STALL_SECONDS'],
  ['DISTILERY_TOKN', 'DISTILLERY_TOKEN'],
])('%s is taken for a misspelt %s', (name, meant) => {
  expect(misspeltVariables({ [name]: 'secret' })).toEqual([
    `${name} is not a setting of Distillery, did you mean ${meant}?`,
  ]);
});

test('variables of others are not', () => {
  const others = [
    'HOME',
    'PATH',
    'USER',
    'HOSTNAME',
    'SHELL',
    'TERM',
    'LANG',
    'NO_COLOR',
    'REDIS_PORT',
    'PWD',
  ];
  expect(misspeltVariables(Object.fromEntries(others.map((name) => [name, 'x'])))).toEqual([]);
  expect(misspeltVariables(Object.fromEntries(table.map(([, { variable }]) => [variable, 'x'])))).toEqual([]);
});

describe('secrets', () => {
  const url = 'redis+sentinel://ann:p@ss:w@host:1/main?sentinel_password=hush&sentinel_username=u';

  test('are not printed', () => {
    const configuration = readConfiguration('api', { REDIS_URL: url });
    const shown = printable('api', configuration);
    expect(shown.REDIS_URL).toBe(
      'redis+sentinel://[redacted]@host:1/main?sentinel_password=[redacted]&sentinel_username=u',
    );
    expect(configuration.redisUrl).toBe(url);
    expect(shown).toMatchObject({ PORT: '8080', LOG_LEVEL: 'info', REDIS_VOLATILE: 'refuse' });
    const client = readConfiguration('cli', { DISTILLERY_TOKEN: 'dk_1_2' });
    expect(printable('cli', client).DISTILLERY_TOKEN).toBe('[redacted]');
  });

  test('are not part of an error', () => {
    for (const REDIS_URL of ['ann:hush@host', 'reddis://ann:hush@host', 'redis ://:hu@sh@host']) {
      const message = refusal(() => readConfiguration('api', { REDIS_URL }));
      expect(message).toMatch(/^REDIS_URL is ".*\[redacted\]@host", it must be a URL/);
      expect(message).not.toMatch(/hush|hu@|sh@/);
    }
  });

  test('have no flag', () => {
    expect(table.filter(([, { secret, flag }]) => secret !== undefined && flag !== undefined)).toEqual([]);
  });
});

test('a trainer is given what it reads, and no more', () => {
  const worker: Configuration<'worker'> = readConfiguration('worker', { ...redis, ENGINE: 'wasm' });
  const { engine, step, plugins, dataDisk, dataMemory } = worker;
  const settings = { engine, step, plugins, dataDisk, dataMemory };
  const environment = environmentOf('trainer', settings);
  expect(environment).toEqual({
    ENGINE: 'wasm',
    STEP: 'auto',
    PLUGINS: '',
    DATA_DISK: '68719476736',
    DATA_MEMORY: '536870912',
  });
  expect(readConfiguration('trainer', environment)).toEqual(settings);
});

test('defaults have their types', () => {
  expect(defaultOf('trainers')).toBe(1);
  expect(defaultOf('roots')).toEqual([]);
});

test('every program has a setting', () => {
  expect(programs.filter((program) => settingsOf(program).length === 0)).toEqual([]);
});
