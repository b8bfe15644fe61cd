import type { ButtonHTMLAttributes, ComponentChildren } from 'preact';
import { Icon, type IconName } from './icon.tsx';

interface Look {
  /** `primary` is the one main action of a view, `danger` removes something, `quiet` has no border. */
  kind?: 'primary' | 'danger' | 'quiet' | undefined;
  icon?: IconName | undefined;
  small?: boolean | undefined;
  /** Without children the button shows its icon alone, and this is its name. */
  label?: string | undefined;
  class?: string | undefined;
  children?: ComponentChildren;
}

const classesOf = ({ kind, small, children, class: more }: Look): string =>
  ['btn', kind, small && 'small', children === undefined && 'iconly', more].filter(Boolean).join(' ');

type ButtonProps = Look & Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'icon' | 'label' | 'class'>;

/** A button. */
export function Button({ kind, icon, small, label, class: more, children, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      class={classesOf({ kind, small, class: more, children })}
      aria-label={label}
      title={children === undefined ? label : undefined}
      {...rest}
    >
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

type LinkProps = Look & { href: string; download?: string; target?: string; onClick?: () => void };

/** A link that looks like a button, for actions that lead to an address. */
export function ButtonLink({ kind, icon, small, label, class: more, children, ...rest }: LinkProps) {
  return (
    <a class={classesOf({ kind, small, class: more, children })} aria-label={label} {...rest}>
      {icon && <Icon name={icon} />}
      {children}
    </a>
  );
}
