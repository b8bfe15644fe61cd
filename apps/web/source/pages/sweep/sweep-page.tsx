import type { SweepView } from '@distillery/spec';
import { useEffect } from 'preact/hooks';
import { useLoad } from '../../api/use-load.ts';
import { ErrorBox, Loading } from '../../components/page-states.tsx';
import { gainText, spreadText } from '../../results/spread-text.ts';
import type { PageProps } from '../../routes.ts';
import { useTitle } from '../../use-title.ts';
import { useNow } from '../../view/use-now.ts';
import { LeaderboardCard } from './leaderboard-card.tsx';
import { shortPaths, valueText } from './short-paths.ts';
import './sweep.css';
import { SweepHead } from './sweep-head.tsx';
import { TrialsCard } from './trials-card.tsx';
import { ValuesCard } from './values-card.tsx';

/** A sweep: which trial is best so far and by how much, accuracy over each value, and every trial. */
export default function SweepPage({ params: { id = '' } }: PageProps) {
  const { data, error, pending, reload } = useLoad<SweepView>(`/v1/sweeps/${encodeURIComponent(id)}`);
  useTitle(data?.name ?? 'Sweep');
  const now = useNow(2000);
  const live = data !== undefined && data.finishedAt === null;
  useEffect(() => {
    if (live) reload();
  }, [now, live]);
  if (pending) return <Loading />;
  if (data === undefined)
    return error && <ErrorBox title="Could not load the sweep" problem={error} onRetry={reload} />;
  const names = [...shortPaths(Object.keys(data.over))];
  return (
    <>
      <SweepHead sweep={data} onChange={reload} />
      <div class="stack">
        <Answer sweep={data} />
        <LeaderboardCard sweep={data} />
        {data.leaderboard.length > 1 && (
          <div class="grid g2">
            {names.map(([path, title]) => (
              <ValuesCard key={path} sweep={data} path={path} title={title} />
            ))}
          </div>
        )}
        <TrialsCard sweep={data} />
      </div>
    </>
  );
}

/** The best trial in a sentence. */
function Answer({ sweep }: { sweep: SweepView }) {
  const [best] = sweep.leaderboard;
  if (best === undefined) return null;
  const names = shortPaths(Object.keys(sweep.over));
  const values = Object.entries(best.values).map(([path, value]) => `${names.get(path)} ${valueText(value)}`);
  return (
    <p class="answer">
      {sweep.finishedAt === null ? 'So far, trial' : 'Trial'} {best.trial} is first, with{' '}
      <b>{values.join(', ')}</b>: <b>{spreadText(best.validation.best)} %</b> on the validation split
      {best.overControl && (
        <>
          , <b>{gainText(best.overControl.best)} points</b> over its control
        </>
      )}
      {best.test && (
        <>
          , and <b>{spreadText(best.test.accuracy.best)} %</b> on the test set
        </>
      )}
      .
    </p>
  );
}
