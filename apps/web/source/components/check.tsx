/** A box to select something. `some` means that a part of what it stands for is selected. */
export function Check(props: {
  label: string;
  checked: boolean;
  some?: boolean;
  onChange: (checked: boolean) => void;
}) {
  const { label, checked, some = false, onChange } = props;
  return (
    <input
      type="checkbox"
      class="check"
      aria-label={label}
      checked={checked}
      indeterminate={some && !checked}
      onChange={({ currentTarget }) => onChange(currentTarget.checked)}
    />
  );
}
