/** A Redis to keep the queue in: one that REDIS_URL names, one on this machine, or one installed now. */
import { aptInstall, canAptInstall, run, which } from './shell.mjs';

const servers = ['redis-server', 'valkey-server'];

function localServer() {
  for (const program of servers) {
    const path = which(program);
    if (path) return path;
  }
  return undefined;
}

/** The address without the password that it may hold. */
function withoutSecrets(url) {
  try {
    return new URL(url).host;
  } catch {
    throw new Error(`REDIS_URL is not a URL. Expected redis://host:port or rediss://user:password@host:port`);
  }
}

async function installDebian(say) {
  await aptInstall(['redis-server'], say);
  // Not started now (see aptInstall), and not at the next boot: tests and demo start their own on a free port.
  if (which('systemctl')) await run('systemctl', ['disable', 'redis-server']).catch(() => {});
}

async function installHomebrew(say) {
  say('installing redis with brew');
  await run('brew', ['install', 'redis']);
}

export async function prepareRedis(say) {
  if (process.env.REDIS_URL) return `the one at ${withoutSecrets(process.env.REDIS_URL)} (REDIS_URL)`;
  const found = localServer();
  if (found) return found;

  const advice =
    'Install redis-server 6.2 or newer (or valkey-server), or set REDIS_URL=redis://host:port to one that runs.';
  const install = canAptInstall() ? installDebian : which('brew') ? installHomebrew : undefined;
  if (!install) throw new Error(`no redis-server on PATH and no way to install one here. ${advice}`);
  try {
    await install(say);
  } catch (error) {
    throw new Error(`${error.message}\n${advice}`, { cause: error });
  }
  const installed = localServer();
  if (!installed) throw new Error(`the installed package brought no ${servers.join(' or ')}. ${advice}`);
  return `installed ${installed}; no service was left running`;
}
