import type { ComponentChildren } from 'preact';
import { useKeys } from '../keyboard/keys.ts';
import { navigate } from '../router/location.ts';

interface TabsProps {
  label: string;
  tabs: readonly { href: string; label: ComponentChildren; current: boolean }[];
}

/** The parts of a page, each with an address. `[` and `]` go to the one before and after. */
export function Tabs({ label, tabs }: TabsProps) {
  const go = (by: number) => {
    const to = tabs[tabs.findIndex(({ current }) => current) + by];
    if (to !== undefined) navigate(to.href);
  };
  useKeys({
    '[': { does: 'Tab before', run: () => go(-1) },
    ']': { does: 'Next tab', run: () => go(1) },
  });
  return (
    <nav class="tabs" aria-label={label}>
      {tabs.map(({ href, label: text, current }) => (
        <a key={href} href={href} aria-current={current ? 'page' : undefined}>
          {text}
        </a>
      ))}
    </nav>
  );
}
