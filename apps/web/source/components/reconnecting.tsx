import { useEffect, useState } from 'preact/hooks';
import { connect, useConnection } from '../api/events.ts';
import { clockTime } from '../format/times.ts';
import { Button } from './button.tsx';
import { Icon } from './icon.tsx';

/** How long a cut may last before it is worth a banner, in milliseconds. */
const patience = 2000;

/** Whether events arrive: a dot, and a word. */
export function LiveDot() {
  const { state } = useConnection();
  if (state === 'connecting') return null;
  const live = state === 'live';
  return (
    <span class={live ? 'live' : 'live off'} role="status">
      {live ? 'Live' : 'Reconnecting'}
    </span>
  );
}

/** Tells of a connection that stays lost: since when, and when the next try is. What is shown stays readable. */
export function ReconnectBanner() {
  const { state, lostAt, nextTryAt } = useConnection();
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (state !== 'reconnecting') return;
    const timer = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(timer);
  }, [state]);
  if (state !== 'reconnecting' || lostAt === null || now - lostAt < patience) return null;
  const seconds = nextTryAt === null ? 0 : Math.max(0, Math.ceil((nextTryAt - now) / 1000));
  return (
    <div class="banner" role="region" aria-label="Connection">
      <Icon name="clock" />
      <span>
        Connection lost. What you see is from {clockTime(lostAt)}
        {seconds > 0 ? `; next try in ${seconds} s.` : '; trying again.'}
      </span>
      <Button small class="push" onClick={connect}>
        Try now
      </Button>
    </div>
  );
}
