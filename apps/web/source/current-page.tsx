import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ErrorBox, Empty, Loading } from './components/page-states.tsx';
import { Problem } from './api/problem.ts';
import { pagePaths } from './paths.ts';
import { navigate, useAddress } from './router/location.ts';
import { matchPage } from './router/match.ts';
import { type PageProps, pages } from './routes.ts';
import { ButtonLink } from './components/button.tsx';

const notLoaded = new Problem({
  status: 0,
  code: 'page_not_loaded',
  title: 'The page could not be loaded',
  detail: 'The service does not answer, or has another version than this page.',
});

/** The page of the address. Its code is fetched when it is first shown; until then the page before stays. */
export function CurrentPage() {
  const { pathname } = useAddress();
  const match = matchPage(pathname);
  const [loaded, setLoaded] = useState<{ name: string; Page?: ComponentType<PageProps> }>();
  const [round, setRound] = useState(0);
  useEffect(() => {
    if (pathname === '/') navigate(pagePaths.jobs, { replace: true });
  }, [pathname]);
  useEffect(() => {
    if (match === undefined) return;
    let current = true;
    pages[match.name]().then(
      ({ default: Page }) => current && setLoaded({ name: match.name, Page }),
      () => current && setLoaded({ name: match.name }),
    );
    return () => {
      current = false;
    };
  }, [match?.name, round]);

  if (match === undefined) {
    if (pathname === '/') return null;
    return (
      <main id="content" class="wrap">
        <Empty icon="search" title="There is no such page">
          <p>
            <code>{pathname}</code> is no address of this dashboard.
          </p>
          <ButtonLink href={pagePaths.jobs}>All jobs</ButtonLink>
        </Empty>
      </main>
    );
  }
  if (loaded?.name !== match.name)
    return (
      <main id="content" class="wrap">
        <Loading label="Loading the page" />
      </main>
    );
  if (loaded.Page === undefined) {
    return (
      <main id="content" class="wrap">
        <section class="card">
          <ErrorBox title="Could not load the page" problem={notLoaded} onRetry={() => setRound(round + 1)} />
        </section>
      </main>
    );
  }
  const { Page } = loaded;
  return (
    <main id="content" class="wrap" tabIndex={-1}>
      <Page params={match.params} />
    </main>
  );
}
