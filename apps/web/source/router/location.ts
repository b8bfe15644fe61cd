import { useEffect, useState } from 'preact/hooks';

/** The address of the page is the one place for what is shown. These functions change it without loading the page again. */

const changed = new EventTarget();
const announce = () => changed.dispatchEvent(new Event('change'));
addEventListener('popstate', announce);

/** Goes to an address of this page. `replace` leaves no step for Back, for changes such as each letter of a search. */
export function navigate(to: string, { replace = false } = {}): void {
  const url = new URL(to, location.href);
  if (url.href === location.href) return;
  const page = url.pathname !== location.pathname;
  history[replace ? 'replaceState' : 'pushState'](null, '', url);
  if (page) scrollTo(0, 0);
  announce();
}

/** Renders the component again when the address changes. */
export function useAddress(): URL {
  const [href, setHref] = useState(location.href);
  useEffect(() => {
    const listen = () => setHref(location.href);
    changed.addEventListener('change', listen);
    listen();
    return () => changed.removeEventListener('change', listen);
  }, []);
  return new URL(href);
}

/** Makes ordinary links of this page change the address only. Links with a target, a modifier key or another origin stay. */
export function followLinks(isPage: (path: string) => boolean): void {
  addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.composedPath().find((node) => node instanceof HTMLAnchorElement);
    if (link === undefined || link.target !== '' || link.hasAttribute('download')) return;
    const url = new URL(link.href, location.href);
    if (url.origin !== location.origin || !isPage(url.pathname) || link.getAttribute('href')?.startsWith('#'))
      return;
    event.preventDefault();
    navigate(url.href);
  });
}
