import type { Scope } from '@distillery/spec';
import { pagePaths } from '../paths.ts';
import { useAddress } from '../router/location.ts';
import { matchPage } from '../router/match.ts';
import { useTheme } from '../theme/theme.ts';
import { signOut, useRights, useSession } from '../session/session.ts';
import { useKeys } from '../keyboard/keys.ts';
import { Button, ButtonLink } from './button.tsx';
import { Menu } from './menu.tsx';
import { LiveDot } from './reconnecting.tsx';

/** The sections of the dashboard, with the pages that belong to each, and the scope that they need. */
const sections: readonly { label: string; href: string; pages: readonly string[]; scope: Scope }[] = [
  { label: 'Jobs', href: pagePaths.jobs, pages: ['jobs', 'job'], scope: 'read' },
  { label: 'Compare', href: pagePaths.compare, pages: ['compare'], scope: 'read' },
  { label: 'Sweeps', href: pagePaths.sweeps, pages: ['sweeps', 'sweep'], scope: 'read' },
  { label: 'Data', href: pagePaths.datasets, pages: ['datasets', 'dataset'], scope: 'submit' },
  { label: 'Workers', href: pagePaths.workers, pages: ['workers'], scope: 'read' },
  { label: 'Keys', href: pagePaths.keys, pages: ['keys'], scope: 'admin' },
];

/** The bar on top of every page. */
export function Header() {
  const page = matchPage(useAddress().pathname)?.name ?? '';
  const [theme, nextTheme] = useTheme();
  const { may } = useRights();
  const session = useSession();
  const caller = session?.caller ?? null;
  const offered = sections.filter(({ scope }) => may(scope));
  useKeys({ t: { does: 'Theme: system, light, dark', run: nextTheme } });
  return (
    <header class="top">
      <Menu
        class="narrow flex"
        kind="quiet"
        icon="list"
        label="Menu"
        items={[
          ...offered.map(({ label, href }) => ({ label, href })),
          { label: `Theme: ${theme}`, run: nextTheme, stay: true },
          ...(caller ? [{ label: `Sign out ${caller.name}`, run: () => void signOut() }] : []),
        ]}
      />
      <a class="brand" href={pagePaths.jobs}>
        <svg viewBox="0 0 18 18" aria-hidden="true">
          <path
            d="M9 1.5c2.7 3.4 5 6 5 9.2A5 5 0 0 1 9 16a5 5 0 0 1-5-5.3C4 7.5 6.3 4.9 9 1.5z"
            fill="currentColor"
          />
          <path
            d="M9 13.3a2.3 2.3 0 0 1-2.3-2.4c0-1.2.9-2.300 2.300-3.900 1.400 1.600 2.300 2.700 2.300 3.900A2.300 2.300 0 0 1 9 13.300z"
            fill="var(--surface)"
          />
        </svg>
        Distillery
      </a>
      <nav class="nav wide" aria-label="Main">
        {offered.map(({ label, href, pages }) => (
          <a key={href} href={href} aria-current={pages.includes(page) ? 'page' : undefined}>
            {label}
          </a>
        ))}
      </nav>
      <div class="end">
        <LiveDot />
        <Button
          kind="quiet"
          class="wide"
          icon={theme === 'system' ? 'system' : theme === 'light' ? 'sun' : 'moon'}
          label={`Theme: ${theme}`}
          onClick={nextTheme}
        />
        {caller && (
          <Menu
            class="wide"
            align="right"
            kind="quiet"
            icon="key"
            items={[{ label: 'Sign out', run: () => void signOut() }]}
          >
            {caller.name}
          </Menu>
        )}
        {may('submit') && page !== 'new' && (
          <ButtonLink kind="primary" icon="plus" href={pagePaths.new}>
            New job
          </ButtonLink>
        )}
      </div>
    </header>
  );
}
