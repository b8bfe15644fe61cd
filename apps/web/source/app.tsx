import { useEffect } from 'preact/hooks';
import { Problem } from './api/problem.ts';
import { Header } from './components/header.tsx';
import { KeyHelp } from './components/key-help.tsx';
import { ErrorBox } from './components/page-states.tsx';
import { ReconnectBanner } from './components/reconnecting.tsx';
import { Toasts } from './components/toast.tsx';
import { CurrentPage } from './current-page.tsx';
import { useKeys } from './keyboard/keys.ts';
import { pagePaths } from './paths.ts';
import { SignIn } from './pages/sign-in/sign-in.tsx';
import { navigate } from './router/location.ts';
import { loadSession, useSessionState } from './session/session.ts';

/** The whole dashboard: the bar, the page of the address, and what can lie over them. */
export function App() {
  const session = useSessionState();
  useEffect(() => void loadSession(), []);
  useKeys({
    'g j': { does: 'Go to the jobs', run: () => navigate(pagePaths.jobs) },
    n: { does: 'New job', run: () => navigate(pagePaths.new) },
  });
  if (session === undefined) return null;
  return (
    <>
      <a class="skip to-content" href="#content">
        Skip to content
      </a>
      <Header />
      <ReconnectBanner />
      {session instanceof Problem ? (
        <main id="content" class="wrap">
          <section class="card">
            <ErrorBox
              title="Could not reach the service"
              problem={session}
              onRetry={() => void loadSession()}
            />
          </section>
        </main>
      ) : session.keys === 'required' && session.caller === null ? (
        <SignIn />
      ) : (
        <CurrentPage />
      )}
      <Toasts />
      <KeyHelp />
    </>
  );
}
