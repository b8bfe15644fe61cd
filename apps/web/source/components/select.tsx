import { Icon } from './icon.tsx';
import { Mark, type Network } from './mark.tsx';

interface SelectProps<T extends string> {
  label: string;
  value: T;
  options: readonly { value: T; label: string }[];
  onChange: (value: T) => void;
  /** The mark of what is chosen. */
  network?: Network;
  small?: boolean;
}

/** A choice of one among many, with the browser's own list. */
export function Select<T extends string>({
  label,
  value,
  options,
  onChange,
  network,
  small,
}: SelectProps<T>) {
  return (
    <span class={small ? 'choice small' : 'choice'}>
      {network && <Mark network={network} />}
      <select
        aria-label={label}
        value={value}
        onChange={({ currentTarget }) => onChange(currentTarget.value as T)}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value} selected={option.value === value}>
            {option.label}
          </option>
        ))}
      </select>
      <Icon name="down" />
    </span>
  );
}
