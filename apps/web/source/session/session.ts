import type { JobSummary, Scope, SessionView } from '@distillery/spec';
import { useEffect, useState } from 'preact/hooks';
import { connect, disconnect } from '../api/events.ts';
import { Problem } from '../api/problem.ts';
import { request, whenUnauthorized } from '../api/request.ts';

const scopes: readonly Scope[] = ['read', 'submit', 'admin'];

/** Undefined until the service has answered; a problem when it could not. */
type State = SessionView | Problem | undefined;
let state: State;
const watchers = new Set<(state: State) => void>();

function set(next: State): void {
  const signedIn = isSession(next) && (next.keys === 'off' || next.caller !== null);
  const was = isSession(state) && (state.keys === 'off' || state.caller !== null);
  state = next;
  if (signedIn && !was) connect();
  if (!signedIn && was) disconnect();
  for (const watcher of watchers) watcher(state);
}

const isSession = (value: State): value is SessionView => value !== undefined && !(value instanceof Problem);

/** Asks the service who is signed in. */
export async function loadSession(): Promise<void> {
  try {
    set(await request<SessionView>('/v1/session'));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    set(error);
  }
}

/**
 * Exchanges an API key for a session, whose cookie scripts cannot read; the key itself is kept nowhere.
 *
 * @throws Problem when the key is not valid
 */
export async function signIn(key: string): Promise<void> {
  set(await request<SessionView>('/v1/session', { method: 'POST', body: { key } }));
}

/** Ends the session here and in the service. */
export async function signOut(): Promise<void> {
  await request('/v1/session', { method: 'DELETE' });
  await loadSession();
}

// A session can end while the page is open: it expires, or its key is revoked.
whenUnauthorized(() => void loadSession());

/** The session as it is known now; a problem when the service could not tell. */
export function useSessionState(): State {
  const [now, setNow] = useState<State>(state);
  useEffect(() => {
    watchers.add(setNow);
    setNow(state);
    return () => void watchers.delete(setNow);
  }, []);
  return now;
}

/** The session; undefined while the service has not answered. */
export function useSession(): SessionView | undefined {
  const now = useSessionState();
  return isSession(now) ? now : undefined;
}

/** What the person may do, so that a page offers nothing that the service would refuse. */
export interface Rights {
  may(scope: Scope): boolean;
  /** Whether they may pause, cancel, retry or delete a job. */
  mayControl(job: Pick<JobSummary, 'owner'>): boolean;
}

/** The rights of the session; see `Rights`. */
export function useRights(): Rights {
  const now = useSessionState();
  if (!isSession(now)) return { may: () => false, mayControl: () => false };
  const { keys, caller } = now;
  const may = (scope: Scope) =>
    keys === 'off' || (caller !== null && scopes.indexOf(caller.scope) >= scopes.indexOf(scope));
  return { may, mayControl: ({ owner }) => may('admin') || (may('submit') && owner === caller?.name) };
}
