import { Segments } from './segments.tsx';

type Epoch = 'best' | 'last';

export interface EpochChoiceProps {
  chosen: Epoch;
  /** Changes the address, which has no `epoch` for the best one. */
  change: (query: { epoch: Epoch | null }) => void;
}

/** Chooses whether the weights of the best epoch by validation, or of the last one, are shown. */
export function EpochChoice({ chosen, change }: EpochChoiceProps) {
  return (
    <Segments
      small
      label="Epoch"
      value={chosen}
      options={[
        { value: 'best', label: 'Best epoch' },
        { value: 'last', label: 'Last' },
      ]}
      onChange={(value) => change({ epoch: value === 'best' ? null : value })}
    />
  );
}
