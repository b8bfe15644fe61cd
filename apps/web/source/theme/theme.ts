import { useState } from 'preact/hooks';

/** The colours of the page: those of the system, or light or dark. `public/theme.js` applies the choice before the first paint. */
export type Theme = 'system' | 'light' | 'dark';

const order: readonly Theme[] = ['system', 'light', 'dark'];

function chosen(): Theme {
  const value = document.documentElement.dataset.theme;
  return value === 'light' || value === 'dark' ? value : 'system';
}

function apply(theme: Theme): void {
  const { dataset } = document.documentElement;
  if (theme === 'system') delete dataset.theme;
  else dataset.theme = theme;
  try {
    if (theme === 'system') localStorage.removeItem('theme');
    else localStorage.setItem('theme', theme);
  } catch {
    // Storage is off: the choice lasts as long as the page.
  }
}

/** The chosen theme, and a function that goes on to the next one. */
export function useTheme(): [Theme, () => void] {
  const [theme, setTheme] = useState(chosen);
  const next = () => {
    const to = order[(order.indexOf(chosen()) + 1) % order.length];
    apply(to);
    setTheme(to);
  };
  return [theme, next];
}
