import { useId } from 'preact/hooks';
import { useQuery } from '../../router/query.ts';

/** How much the curves of the page are smoothed, 0 to 0.99, from the address. */
export function useSmoothing(): [number, (weight: number) => void] {
  const [query, change] = useQuery();
  const asked = Number(query.get('smooth') ?? 0);
  const weight = asked > 0 && asked < 1 ? asked : 0;
  return [weight, (value) => change({ smooth: value === 0 ? null : String(value) }, { replace: true })];
}

/** Sets the smoothing of all curves of the page. */
export function Smoothing() {
  const [weight, setWeight] = useSmoothing();
  const id = useId();
  return (
    <div class="bar small smoothing">
      <label for={id} class="two">
        Smoothing
      </label>
      <input
        id={id}
        type="range"
        class="slider"
        min="0"
        max="0.95"
        step="0.05"
        value={weight}
        onInput={({ currentTarget }) => setWeight(Number(currentTarget.value))}
      />
      <output for={id} class="muted">
        {weight === 0 ? 'off' : weight.toFixed(2)}
      </output>
    </div>
  );
}
