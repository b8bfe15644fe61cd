import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { Icon, type IconName } from './icon.tsx';

export interface MenuItem {
  label: ComponentChildren;
  /** What happens when it is chosen; an item with an address is a link instead. */
  run?: () => void;
  href?: string;
  icon?: IconName;
  /** Whether it is on, for items that can be. */
  checked?: boolean;
  danger?: boolean;
  /** The menu stays open after it was chosen, for several choices in a row. */
  stay?: boolean;
}

interface MenuProps {
  /** The text of the button; without it the button is its icon alone, named by `label`. */
  children?: ComponentChildren;
  label?: string;
  icon?: IconName;
  items: readonly MenuItem[];
  /** The edge of the button that the menu is aligned with; default left. */
  align?: 'left' | 'right';
  kind?: 'quiet';
  small?: boolean;
  class?: string;
}

/** A button that opens a list of actions. Arrow keys move, Enter chooses, Escape closes and goes back to the button. */
export function Menu({ children, label, icon, items, align = 'left', kind, small, class: more }: MenuProps) {
  const [open, setOpen] = useState(false);
  const id = useId();
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const entries = () => [...(root.current?.querySelectorAll<HTMLElement>('.menu > [role^=menuitem]') ?? [])];

  useEffect(() => {
    if (!open) return;
    entries()[0]?.focus();
    const outside = (event: Event) => {
      if (!root.current?.contains(event.target as Node)) setOpen(false);
    };
    addEventListener('pointerdown', outside);
    return () => removeEventListener('pointerdown', outside);
  }, [open]);

  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  const move = (event: KeyboardEvent) => {
    if (!open) {
      if (event.key !== 'ArrowDown') return;
      event.preventDefault();
      setOpen(true);
      return;
    }
    const all = entries();
    const at = all.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 + all.length, Home: 0, End: all.length - 1 }[event.key];
    if (to !== undefined) all[to % all.length]?.focus();
    else if (event.key === 'Escape') close();
    else if (event.key === 'Tab') return setOpen(false);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div class={`menu-anchor ${more ?? ''}`} ref={root} onKeyDown={move}>
      <button
        ref={button}
        type="button"
        class={['btn', kind, small && 'small', children === undefined && 'iconly'].filter(Boolean).join(' ')}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        aria-label={label}
        onClick={() => setOpen(!open)}
      >
        {icon && <Icon name={icon} />}
        {children}
        {children !== undefined && <Icon name="down" />}
      </button>
      {open && (
        <div id={id} class={`menu ${align}`} role="menu" aria-label={label}>
          {items.map(({ label: text, run, href, icon: sign, checked, danger, stay }, index) => {
            const content = (
              <>
                {checked !== undefined && <span class="tick">{checked && <Icon name="check" />}</span>}
                {sign && <Icon name={sign} />}
                {text}
              </>
            );
            const choose = () => {
              if (!stay) close();
              run?.();
            };
            return href === undefined ? (
              <button
                key={index}
                type="button"
                tabIndex={-1}
                class={danger ? 'danger' : undefined}
                role={checked === undefined ? 'menuitem' : 'menuitemcheckbox'}
                aria-checked={checked}
                onClick={choose}
              >
                {content}
              </button>
            ) : (
              <a key={index} tabIndex={-1} role="menuitem" href={href} onClick={() => setOpen(false)}>
                {content}
              </a>
            );
          })}
        </div>
      )}
    </div>
  );
}
