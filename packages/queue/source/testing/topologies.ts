import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { freePort, launch, type PrivateRedis, startPrivateRedis } from '../redis/private-redis.ts';

/** Servers for a test, each with a client, and the URL that connects to them together. */
export interface PrivateTopology {
  servers: { server: PrivateRedis; client: Redis; port: number }[];
  /** The URL for a queue, with TLS where there is a certificate; the clients of the servers connect without TLS. */
  url: string;
  stop(): Promise<void>;
}

/** PEM files of a self-signed certificate for a server at 127.0.0.1. */
export interface Certificate {
  ca: string;
  key: string;
}

/** Makes a certificate with openssl in a folder. */
export async function makeCertificate(dir: string): Promise<Certificate> {
  const [ca, key] = [join(dir, 'ca.pem'), join(dir, 'key.pem')];
  const about = ['-subj', '/CN=here', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', ...about];
  await promisify(execFile)('openssl', [...request, '-keyout', key, '-out', ca]);
  return { ca, key };
}

function settingsOf({ ca, key }: Certificate): Record<string, string> {
  return {
    'tls-cert-file': ca,
    'tls-key-file': key,
    'tls-ca-cert-file': ca,
    'tls-auth-clients': 'no',
    'tls-replication': 'yes',
  };
}

/** Starts a server. @returns its port for queues too, which is that of TLS where there is a certificate */
async function started(settings: Record<string, string>, certificate: Certificate | undefined) {
  const tlsPort = certificate && (await freePort());
  const tls = certificate && { ...settingsOf(certificate), 'tls-port': String(tlsPort) };
  // Replicas, Sentinels and the nodes of a Cluster would need the password, too.
  const server = await startPrivateRedis({ settings: { requirepass: '', ...settings, ...tls } });
  const client = new Redis(server.url);
  client.on('error', () => {});
  return { server, client, port: tlsPort ?? Number(new URL(server.url).port) };
}

const schemeOf = (certificate: Certificate | undefined) => (certificate === undefined ? 'redis' : 'rediss');
const queryOf = (certificate: Certificate | undefined) =>
  certificate === undefined ? '' : `?ca=${certificate.ca}`;

/** Starts one server with TLS. */
export async function privateTls(certificate: Certificate): Promise<PrivateTopology> {
  const servers = [await started({}, certificate)];
  return {
    servers,
    url: `rediss://127.0.0.1:${servers[0].port}${queryOf(certificate)}`,
    stop: () => stopped(servers),
  };
}

async function stopped(servers: PrivateTopology['servers']): Promise<void> {
  for (const { client } of servers) client.disconnect();
  await Promise.all(servers.map(({ server }) => server.stop()));
}

async function waitUntil(holds: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 30_000; !(await holds()); await delay(50)) {
    if (Date.now() > end) throw new Error('the servers did not find each other in time');
  }
}

/** Starts a Cluster of masters that share the slots; the URL names only the last one. */
export async function privateCluster(nodes: number, certificate?: Certificate): Promise<PrivateTopology> {
  const servers: PrivateTopology['servers'] = [];
  const buses: number[] = [];
  for (let i = 0; i < nodes; i++) {
    buses.push(await freePort());
    servers.push(
      await started(
        {
          'cluster-enabled': 'yes',
          'cluster-port': String(buses[i]),
          // Alone, a node does not know its own address.
          'cluster-announce-ip': '127.0.0.1',
          ...(certificate === undefined ? {} : { 'tls-cluster': 'yes' }),
        },
        certificate,
      ),
    );
  }
  const bound = (i: number) => Math.floor((16_384 * i) / nodes);
  for (const [i, { client }] of servers.entries()) {
    await client.call('CLUSTER', 'ADDSLOTSRANGE', bound(i), bound(i + 1) - 1);
    if (i > 0) await client.call('CLUSTER', 'MEET', '127.0.0.1', servers[0].port, buses[0]);
  }
  await waitUntil(async () => {
    const infos = await Promise.all(servers.map(({ client }) => client.call('CLUSTER', 'INFO')));
    return infos.every(
      (info) =>
        /cluster_state:ok/.test(String(info)) && new RegExp(`known_nodes:${nodes}\\b`).test(String(info)),
    );
  });
  return {
    servers,
    url: `${schemeOf(certificate)}+cluster://127.0.0.1:${servers[nodes - 1].port}${queryOf(certificate)}`,
    stop: () => stopped(servers),
  };
}

/** Starts a master, its replica, and a Sentinel that promotes the replica when the master is gone for half a second. */
export async function privateSentinel(certificate?: Certificate): Promise<PrivateTopology> {
  const [master, replica] = [await started({}, certificate), await started({}, certificate)];
  await replica.client.replicaof('127.0.0.1', master.port);
  const dir = await mkdtemp(join(tmpdir(), 'distillery-sentinel-'));
  const port = await freePort();
  const file = join(dir, 'sentinel.conf');
  await writeFile(
    file,
    [
      ...(certificate === undefined
        ? [`port ${port}`]
        : [
            'port 0',
            `tls-port ${port}`,
            ...Object.entries(settingsOf(certificate)).map((pair) => pair.join(' ')),
          ]),
      'bind 127.0.0.1',
      `dir ${dir}`,
      `sentinel monitor first 127.0.0.1 ${master.port} 1`,
      'sentinel down-after-milliseconds first 500',
      'sentinel failover-timeout first 2000',
    ].join('\n'),
  );
  const sentinel = await launch([file, '--sentinel'], /\+monitor master/);
  const client = new Redis({
    host: '127.0.0.1',
    port,
    ...(certificate === undefined ? {} : { tls: { ca: readFileSync(certificate.ca) } }),
  });
  await waitUntil(async () => /slaves=1/.test(String(await client.info('sentinel'))));
  await waitUntil(async () => /master_link_status:up/.test(await replica.client.info('replication')));
  client.disconnect();
  const servers = [master, replica];
  return {
    servers,
    url: `${schemeOf(certificate)}+sentinel://127.0.0.1:${port}/first${queryOf(certificate)}`,
    async stop() {
      await sentinel.stop();
      await stopped(servers);
      await rm(dir, { recursive: true, force: true });
    },
  };
}
