/** Finds a Redis for the queue: that of REDIS_URL, one on this machine, or one that is installed now. */
import { aptInstall, canAptInstall, run, which } from './shell.mjs';

const servers = ['redis-server', 'valkey-server'];

function localServer() {
  for (const program of servers) {
    const path = which(program);
    if (path) return path;
  }
  return undefined;
}

/** Returns host and port of a URL, without its password. */
function withoutSecrets(url) {
  try {
    return new URL(url).host;
  } catch {
    throw new Error(`REDIS_URL is not a URL. Expected redis://host:port or rediss://user:password@host:port`);
  }
}

async function installDebian(print) {
  await aptInstall(['redis-server'], print);
  // It is not started now (see aptInstall) and must not start at boot: tests and demo start one on a free port.
  if (which('systemctl')) await run('systemctl', ['disable', 'redis-server']).catch(() => {});
}

async function installHomebrew(print) {
  print('installing redis with brew');
  await run('brew', ['install', 'redis']);
}

export async function prepareRedis(print) {
  if (process.env.REDIS_URL) return `the one at ${withoutSecrets(process.env.REDIS_URL)} (REDIS_URL)`;
  const found = localServer();
  if (found) return found;

  const advice =
    'Install redis-server 6.2 or newer (or valkey-server), or set REDIS_URL=redis://host:port to a running one.';
  const install = canAptInstall() ? installDebian : which('brew') ? installHomebrew : undefined;
  if (!install) throw new Error(`no redis-server on PATH, and it cannot be installed here. ${advice}`);
  try {
    await install(print);
  } catch (error) {
    throw new Error(`${error.message}\n${advice}`, { cause: error });
  }
  const installed = localServer();
  if (!installed) throw new Error(`the installed package contains no ${servers.join(' or ')}. ${advice}`);
  return `installed ${installed}; no service was started`;
}
