import type { DatasetProfile } from '@distillery/spec';
import { significant } from '../../format/numbers.ts';

type Sample = DatasetProfile['preview'][number];

/** A few samples of the first classes, as training sees them. */
export function PreviewCard({ profile: { preview } }: { profile: DatasetProfile }) {
  if (preview.length === 0) return null;
  const labels = [...new Set(preview.map(({ label }) => label))];
  return (
    <section class="card" aria-label="Samples">
      <header>
        <h2>Samples</h2>
      </header>
      <div class="body preview">
        {labels.map((label) => (
          <figure key={label}>
            <figcaption>{label}</figcaption>
            {preview
              .filter((sample) => sample.label === label)
              .map((sample, index) => (
                <SampleView key={index} sample={sample} />
              ))}
          </figure>
        ))}
      </div>
    </section>
  );
}

function SampleView({ sample: { image, text, values, label } }: { sample: Sample }) {
  if (image !== undefined) return <img src={image} alt={`A sample of ${label}`} />;
  if (text !== undefined) return <p class="small">{text}</p>;
  return (
    <p class="small">
      {Object.entries(values ?? {})
        .map(([name, value]) => `${name} ${significant(value)}`)
        .join(', ')}
    </p>
  );
}
