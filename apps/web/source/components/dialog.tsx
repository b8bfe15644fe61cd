import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { Button } from './button.tsx';

interface DialogProps {
  title: string;
  /** Is called when the person leaves it, also by Escape. */
  onClose: () => void;
  children: ComponentChildren;
  wide?: boolean;
}

/** A dialog over the page, which cannot be reached meanwhile. Focus begins on the element with `autofocus`. */
export function Dialog({ title, onClose, children, wide = false }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class={wide ? 'dialog large' : 'dialog'}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => event.target === dialog.current && onClose()}
    >
      <div class="inside">
        <h2 id={id}>{title}</h2>
        {children}
      </div>
    </dialog>
  );
}

interface ConfirmProps {
  title: string;
  /** What is lost, and what is kept. */
  children: ComponentChildren;
  /** The verb and what it is about, such as `Delete 2 jobs`. */
  action: string;
  /** The way back, such as `Keep`. */
  keep?: string;
  busy?: boolean;
  onConfirm: () => void;
  onClose: () => void;
}

/** Asks before something that cannot be undone. Focus begins on the way back. */
export function Confirm({ title, children, action, keep = 'Keep', busy, onConfirm, onClose }: ConfirmProps) {
  return (
    <Dialog title={title} onClose={onClose}>
      <div class="two">{children}</div>
      <div class="bar end">
        <Button onClick={onClose} autofocus>
          {keep}
        </Button>
        <Button kind="danger" disabled={busy} onClick={onConfirm}>
          {action}
        </Button>
      </div>
    </Dialog>
  );
}
