import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Problem } from '../../api/problem.ts';
import { ErrorBox, Loading } from '../../components/page-states.tsx';

const notLoaded = new Problem({
  status: 0,
  code: 'page_not_loaded',
  title: 'This part of the page could not be loaded',
  detail: 'The service does not answer, or has another version than this page.',
});

/** A component whose code is fetched when it is first shown. */
export function lazy<P extends object>(load: () => Promise<{ default: ComponentType<P> }>): ComponentType<P> {
  let loaded: ComponentType<P> | undefined;
  return function Lazy(props: P) {
    const [View, setView] = useState<{ of?: ComponentType<P>; failed?: boolean }>({ of: loaded });
    const [round, setRound] = useState(0);
    useEffect(() => {
      if (View.of !== undefined) return;
      load().then(
        (module) => {
          loaded = module.default;
          setView({ of: loaded });
        },
        () => setView({ failed: true }),
      );
    }, [round]);
    if (View.failed) {
      return (
        <section class="card">
          <ErrorBox
            title="Could not load this part"
            problem={notLoaded}
            onRetry={() => setRound(round + 1)}
          />
        </section>
      );
    }
    return View.of === undefined ? <Loading /> : <View.of {...props} />;
  };
}
