import { useEffect, useState } from 'preact/hooks';
import { Button } from './button.tsx';

interface Message {
  text: string;
  failed: boolean;
}

const shownFor = 6000;
let show: (message: Message) => void = () => {};

/** Tells the result of an action in a corner of the page, for six seconds; a failure stays until it is closed. */
export function toast(text: string, { failed = false } = {}): void {
  show({ text, failed });
}

/** The place where `toast` shows its messages, which are also read aloud. */
export function Toasts() {
  const [message, setMessage] = useState<Message>();
  show = setMessage;
  useEffect(() => {
    if (message === undefined || message.failed) return;
    const timer = setTimeout(() => setMessage(undefined), shownFor);
    return () => clearTimeout(timer);
  }, [message]);
  return (
    <div class="toasts" role="status" aria-live="polite">
      {message && (
        <div class={message.failed ? 'toast failed' : 'toast'}>
          {message.text}
          <Button kind="quiet" small icon="close" label="Close" onClick={() => setMessage(undefined)} />
        </div>
      )}
    </div>
  );
}
