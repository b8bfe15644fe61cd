import { useEffect, useRef } from 'preact/hooks';

/** What a key does, as the list of all keys (`?`) shows it. */
interface KeyAction {
  does: string;
  run: (event: KeyboardEvent) => void;
}

/** Actions by key as browsers name it, such as `j`, `/` or `Escape`; `g j` is one key after the other. */
export type KeyMap = Readonly<Record<string, KeyAction>>;

const maps: { current: KeyMap }[] = [];
let prefix = '';
let prefixTimer: ReturnType<typeof setTimeout> | undefined;

/** Every key that does something now, those of the newest component first. */
export function activeKeys(): [key: string, does: string][] {
  const found = new Map<string, string>();
  for (const { current } of [...maps].reverse()) {
    for (const [key, { does }] of Object.entries(current)) if (!found.has(key)) found.set(key, does);
  }
  return [...found];
}

/** Whether keys are text for the element, and not commands. */
function takesText(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (
    target.isContentEditable ||
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement
  )
    return true;
  return (
    target instanceof HTMLInputElement && !['checkbox', 'radio', 'button', 'range'].includes(target.type)
  );
}

addEventListener('keydown', (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.querySelector('dialog[open]') !== null) return;
  if (takesText(event.target) && event.key !== 'Escape') return;
  const pressed = prefix === '' ? event.key : `${prefix} ${event.key}`;
  const all = [...maps].reverse().map(({ current }) => current);
  clearTimeout(prefixTimer);
  prefix = '';
  const action = all.find((map) => map[pressed] !== undefined)?.[pressed];
  if (action !== undefined) {
    event.preventDefault();
    action.run(event);
  } else if (all.some((map) => Object.keys(map).some((key) => key.startsWith(`${pressed} `)))) {
    prefix = pressed;
    prefixTimer = setTimeout(() => {
      prefix = '';
    }, 1000);
  }
});

/** Gives keys a meaning while the component is shown. A newer component may give a key another one. */
export function useKeys(map: KeyMap): void {
  const own = useRef(map);
  own.current = map;
  useEffect(() => {
    maps.push(own);
    return () => void maps.splice(maps.indexOf(own), 1);
  }, []);
}
