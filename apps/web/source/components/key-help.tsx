import { useState } from 'preact/hooks';
import { activeKeys, useKeys } from '../keyboard/keys.ts';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';

const words: Record<string, string> = { Escape: 'Esc', Enter: '↵' };

/** The list of all keys, which `?` opens. */
export function KeyHelp() {
  const [keys, setKeys] = useState<[string, string][]>();
  useKeys({ '?': { does: 'All keys', run: () => setKeys(activeKeys()) } });
  if (keys === undefined) return null;
  const close = () => setKeys(undefined);
  return (
    <Dialog title="Keys" onClose={close}>
      <dl class="keys">
        {keys.map(([key, does]) => (
          <div key={key}>
            <dt>
              {key.split(' ').map((part) => (
                <kbd key={part}>{words[part] ?? part}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <div class="bar end">
        <Button onClick={close} autofocus>
          Close
        </Button>
      </div>
    </Dialog>
  );
}
