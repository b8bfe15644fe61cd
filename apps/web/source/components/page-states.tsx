import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Problem } from '../api/problem.ts';
import { Button } from './button.tsx';
import { Icon, type IconName } from './icon.tsx';

interface EmptyProps {
  icon?: IconName;
  title: string;
  children?: ComponentChildren;
}

/** What a page shows when there is nothing yet: one sentence, and what to do. */
export function Empty({ icon = 'plus', title, children }: EmptyProps) {
  return (
    <div class="empty">
      <Icon name={icon} />
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** Bars in the shape of the rows that come, after 300 ms: what is faster needs none. */
export function Loading({ rows = 4, label = 'Loading' }: { rows?: number; label?: string }) {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 300);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div class="loading" role="status" aria-label={label}>
      {late &&
        Array.from({ length: rows }, (_, row) => (
          <div class="sk-row" key={row}>
            <i class="sk" />
            <i class="sk wide-sk" />
            <i class="sk" />
            <i class="sk" />
          </div>
        ))}
    </div>
  );
}

interface ErrorBoxProps {
  /** What failed, such as `Could not load the report`. */
  title: string;
  problem: Problem;
  onRetry?: (() => void) | undefined;
  children?: ComponentChildren;
}

/** What failed, the reason that the service gave, and the way on. */
export function ErrorBox({ title, problem, onRetry, children }: ErrorBoxProps) {
  const details = `${problem.code} (${problem.status})${problem.request === null ? '' : `, request ${problem.request}`}: ${problem.message}`;
  return (
    <div class="problem" role="alert">
      <Icon name="error" />
      <h2>{title}</h2>
      <p class="two">{problem.message}</p>
      {children}
      <div class="bar">
        {onRetry && <Button onClick={onRetry}>Try again</Button>}
        <Button kind="quiet" onClick={() => void navigator.clipboard?.writeText(details)}>
          Copy details
        </Button>
      </div>
    </div>
  );
}
