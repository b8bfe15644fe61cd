import { type ComponentChildren, createContext } from 'preact';
import { useContext, useEffect, useMemo, useState } from 'preact/hooks';
import { useKeys } from '../keyboard/keys.ts';

/**
 * The run that is looked at, the same in all charts, tables and labels of a page. Pointing at it or focusing it shows it for
 * the moment, a click pins it, Escape lets go. Only what changes is drawn again.
 */
interface Highlight {
  /** The name of the run that is looked at; null for all alike. */
  active(): string | null;
  pinned(): string | null;
  hover(name: string | null): void;
  pin(name: string | null): void;
  /** Whether a run steps back: another one is looked at, to which it does not belong. */
  isDimmed(name: string): boolean;
  subscribe(listener: () => void): () => void;
}

const none: Highlight = {
  active: () => null,
  pinned: () => null,
  hover: () => {},
  pin: () => {},
  isDimmed: () => false,
  subscribe: () => () => {},
};

const Context = createContext<Highlight>(none);

interface ScopeProps {
  /** The pinned run, which the address holds. */
  pinned: string | null;
  onPin: (name: string | null) => void;
  /** The runs that stay with a run: its control and the teacher. */
  alongWith: (name: string) => readonly string[];
  children: ComponentChildren;
}

/** The part of a page in which one run can be looked at. */
export function HighlightScope({ pinned, onPin, alongWith, children }: ScopeProps) {
  const state = useMemo(() => newState(), []);
  state.settings = { pinned, onPin, alongWith };
  useEffect(() => state.announce(), [pinned]);
  useKeys(pinned === null ? {} : { Escape: { does: 'Let go of the run', run: () => onPin(null) } });
  return <Context.Provider value={state.highlight}>{children}</Context.Provider>;
}

function newState() {
  const listeners = new Set<() => void>();
  let hovered: string | null = null;
  const announce = () => {
    for (const listener of listeners) listener();
  };
  const settings: Pick<ScopeProps, 'pinned' | 'onPin' | 'alongWith'> = {
    pinned: null,
    onPin: () => {},
    alongWith: () => [],
  };
  const state = { settings, announce };
  const active = () => hovered ?? state.settings.pinned;
  const highlight: Highlight = {
    active,
    pinned: () => state.settings.pinned,
    hover(name) {
      if (name === hovered) return;
      hovered = name;
      announce();
    },
    pin: (name) => state.settings.onPin(name === state.settings.pinned ? null : name),
    isDimmed(name) {
      const looked = active();
      return looked !== null && looked !== name && !state.settings.alongWith(looked).includes(name);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  return Object.assign(state, { highlight });
}

/** What is looked at; the component is drawn again when it changes. */
export function useHighlight(): Highlight {
  const highlight = useContext(Context);
  const [, draw] = useState({});
  useEffect(() => highlight.subscribe(() => draw({})), [highlight]);
  return highlight;
}

/** As `useHighlight`, for what changes it and shows nothing of it. */
export const useHighlighting = (): Highlight => useContext(Context);

/** A part of a chart that belongs to a run: it steps back while another run is looked at. Its children are not drawn again. */
export function OfRun({
  name,
  class: more,
  children,
}: {
  name: string;
  class?: string;
  children: ComponentChildren;
}) {
  const highlight = useContext(Context);
  const [dimmed, setDimmed] = useState(highlight.isDimmed(name));
  useEffect(() => {
    const update = () => setDimmed(highlight.isDimmed(name));
    update();
    return highlight.subscribe(update);
  }, [highlight, name]);
  return <g class={[more, dimmed && 'dim'].filter(Boolean).join(' ') || undefined}>{children}</g>;
}

/** The attributes of a table row that belongs to a run: pointing at it looks at the run, a click pins it. */
export function useRunRow(): (name: string) => Record<string, unknown> {
  const highlight = useHighlighting();
  return (name) => ({
    onPointerEnter: () => highlight.hover(name),
    onPointerLeave: () => highlight.hover(null),
    onClick: (event: MouseEvent) => {
      if ((event.target as Element).closest('a, button, input, select') === null) highlight.pin(name);
    },
  });
}
