import { useLoad } from '../../api/use-load.ts';
import { Button, ButtonLink } from '../../components/button.tsx';
import { ErrorBox, Loading } from '../../components/page-states.tsx';
import { toast } from '../../components/toast.tsx';
import { useRights } from '../../session/session.ts';
import type { TabProps } from './job-tabs.ts';

/** The spec of a job as it was submitted. */
export default function SpecTab({ job }: TabProps) {
  const path = `/v1/jobs/${encodeURIComponent(job.id)}/spec`;
  const { data, error, reload } = useLoad<unknown>(path);
  const { may } = useRights();
  if (error && data === undefined) {
    return (
      <section class="card">
        <ErrorBox title="Could not load the spec" problem={error} onRetry={reload} />
      </section>
    );
  }
  if (data === undefined) return <Loading rows={8} label="Loading the spec" />;
  const text = JSON.stringify(data, undefined, 2);
  return (
    <section class="card" aria-label="Spec">
      <header>
        <h2>Spec</h2>
        <span class="small muted">as it was submitted; what it leaves out has its default</span>
        <span class="push" />
        <Button
          small
          icon="copy"
          onClick={() => void navigator.clipboard?.writeText(text).then(() => toast('The spec is copied'))}
        >
          Copy
        </Button>
        <ButtonLink small icon="download" href={path} download={`${job.id}-spec.json`}>
          Save
        </ButtonLink>
        {may('submit') && (
          <ButtonLink small href={`/new?from=${job.id}`}>
            Use as a new job
          </ButtonLink>
        )}
      </header>
      <pre class="code" tabIndex={0} aria-label="The spec as JSON">
        {text}
      </pre>
    </section>
  );
}
