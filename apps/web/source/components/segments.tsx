import type { ComponentChildren } from 'preact';

interface SegmentsProps<T extends string> {
  label: string;
  value: T;
  options: readonly { value: T; label: ComponentChildren }[];
  onChange: (value: T) => void;
  small?: boolean;
}

/** A choice of one among a few, all of them in sight. */
export function Segments<T extends string>({ label, value, options, onChange, small }: SegmentsProps<T>) {
  return (
    <div class="segs">
      <div class={small ? 'seg small' : 'seg'} role="group" aria-label={label}>
        {options.map((option) => (
          <button
            key={option.value}
            type="button"
            aria-pressed={option.value === value}
            onClick={() => onChange(option.value)}
          >
            {option.label}
          </button>
        ))}
      </div>
    </div>
  );
}
