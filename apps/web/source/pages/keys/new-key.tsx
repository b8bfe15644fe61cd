import type { CreatedApiKey, Scope } from '@distillery/spec';
import { useState } from 'preact/hooks';
import { Problem } from '../../api/problem.ts';
import { request } from '../../api/request.ts';
import { Button } from '../../components/button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { toast } from '../../components/toast.tsx';

/** Makes a key, and shows its secret once: the service keeps a digest of it alone. */
export function NewKey({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const [scope, setScope] = useState<Scope>('submit');
  const [error, setError] = useState<string>();
  const [token, setToken] = useState<string>();
  const make = async () => {
    try {
      const made = await request<CreatedApiKey>('/v1/keys', { method: 'POST', body: { name, scope } });
      setToken(made.token);
    } catch (thrown) {
      if (!(thrown instanceof Problem)) throw thrown;
      setError(thrown.fields[0]?.message ?? thrown.message);
    }
  };
  if (token !== undefined) {
    return (
      <Dialog title={`The key of ${name}`} onClose={onClose}>
        <p class="two">Copy it now: it is shown only once.</p>
        <code class="token">{token}</code>
        <div class="bar end">
          <Button
            icon="copy"
            onClick={() =>
              void navigator.clipboard.writeText(token).then(() => toast('The key is in the clipboard.'))
            }
          >
            Copy
          </Button>
          <Button kind="primary" onClick={onClose}>
            Done
          </Button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title="New key" onClose={onClose}>
      <form
        class="new-key"
        onSubmit={(event) => {
          event.preventDefault();
          void make();
        }}
      >
        <label class="l" for="key-name">
          Owner
        </label>
        <div class={error === undefined ? 'field' : 'field bad'}>
          <input
            id="key-name"
            autofocus
            required
            autocomplete="off"
            spellcheck={false}
            placeholder="a person or a program"
            value={name}
            aria-invalid={error !== undefined}
            aria-describedby="key-name-error"
            onInput={({ currentTarget }) => {
              setName(currentTarget.value);
              setError(undefined);
            }}
          />
        </div>
        <p id="key-name-error" class="small bad-text" role="status">
          {error}
        </p>
        <label class="l" for="key-scope">
          Scope
        </label>
        <div class="field">
          <select
            id="key-scope"
            value={scope}
            onChange={({ currentTarget }) => setScope(currentTarget.value as Scope)}
          >
            <option value="read">read: sees everything</option>
            <option value="submit">submit: also starts and controls its own jobs</option>
            <option value="admin">admin: everything</option>
          </select>
        </div>
        <div class="bar end">
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit">
            Make the key
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
