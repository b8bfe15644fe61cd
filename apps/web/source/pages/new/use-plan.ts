import type { Plan } from '@distillery/spec';
import { useEffect, useState } from 'preact/hooks';
import { Problem, unreachable } from '../../api/problem.ts';
import { request } from '../../api/request.ts';

export interface Planned {
  /** The newest plan; it stays while a later spec is planned, or refused. */
  plan: Plan | undefined;
  /** Why the spec was refused, or could not be planned. */
  problem: Problem | undefined;
  /** Whether the plan and the errors are those of the spec as it is now. */
  current: boolean;
}

const pauseMs = 350;

/** Has the service plan the spec whenever it has not changed for a moment. */
export function usePlan(spec: unknown): Planned {
  const text = JSON.stringify(spec);
  const [known, setKnown] = useState<{
    text: string;
    plan: Plan | undefined;
    problem: Problem | undefined;
  }>();
  useEffect(() => {
    if (spec === undefined) return;
    const stop = new AbortController();
    const timer = setTimeout(() => {
      request<Plan>('/v1/jobs/validate', { method: 'POST', body: spec, signal: stop.signal }).then(
        (plan) => !stop.signal.aborted && setKnown({ text, plan, problem: undefined }),
        (error: unknown) => {
          if (stop.signal.aborted) return;
          const problem = error instanceof Problem ? error : unreachable();
          setKnown((before) => ({ text, plan: before?.plan, problem }));
        },
      );
    }, pauseMs);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [text]);
  return { plan: known?.plan, problem: known?.problem, current: known?.text === text };
}
