import { useState } from 'preact/hooks';
import { Problem } from '../../api/problem.ts';
import { Button } from '../../components/button.tsx';
import { Icon } from '../../components/icon.tsx';
import { signIn } from '../../session/session.ts';
import { useTitle } from '../../use-title.ts';
import './sign-in.css';

/** Asks for an API key, in place of every page while nobody is signed in. The address stays, so that its page follows. */
export function SignIn() {
  useTitle('Sign in');
  const [key, setKey] = useState('');
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);
  const submit = async () => {
    setBusy(true);
    try {
      await signIn(key.trim());
    } catch (thrown) {
      if (!(thrown instanceof Problem)) throw thrown;
      setError(thrown.status === 401 ? 'This key is not valid, or it was revoked.' : thrown.message);
      setBusy(false);
    }
  };
  return (
    <main id="content" class="wrap sign-in" tabIndex={-1}>
      <form
        class="card"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <h1>Sign in</h1>
        <label class="l" for="api-key">
          API key
        </label>
        <div class={error === undefined ? 'field' : 'field bad'}>
          <Icon name="key" />
          <input
            id="api-key"
            type="password"
            autocomplete="current-password"
            spellcheck={false}
            placeholder="dk_…"
            required
            autofocus
            value={key}
            aria-invalid={error !== undefined}
            aria-describedby="api-key-help"
            onInput={({ currentTarget }) => {
              setKey(currentTarget.value);
              setError(undefined);
            }}
          />
        </div>
        <p id="api-key-help" class={error === undefined ? 'small muted' : 'small bad-text'} role="status">
          {error ?? 'It is exchanged for a session of this browser and kept nowhere.'}
        </p>
        <Button kind="primary" type="submit" disabled={busy || key.trim() === ''}>
          Sign in
        </Button>
        <p class="small muted">
          An administrator makes keys on the page Keys, or with{' '}
          <code>distill keys create --name NAME --scope read</code>.
        </p>
      </form>
    </main>
  );
}
