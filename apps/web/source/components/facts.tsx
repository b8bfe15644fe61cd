export interface FactsProps {
  class: string;
  /** Each as its term and its value; the terms differ. */
  facts: readonly (readonly string[])[];
}

/** Lists facts, each under its term. */
export function Facts({ class: name, facts }: FactsProps) {
  return (
    <dl class={name}>
      {facts.map(([term, value]) => (
        <div key={term}>
          <dt>{term}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
