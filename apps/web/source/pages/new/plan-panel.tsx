import { Facts } from '../../components/facts.tsx';
import type { Plan } from '@distillery/spec';
import { Icon } from '../../components/icon.tsx';
import { Mark } from '../../components/mark.tsx';
import { bytes, counted, nothing, number } from '../../format/numbers.ts';
import { about } from '../../format/times.ts';
import { projectorParameters, tapPairs } from './plan.ts';
import type { Planned } from './use-plan.ts';

interface PlanPanelProps {
  planned: Planned;
  seeds: number;
  /** The student whose taps are shown: the one that is being edited. */
  student: string | undefined;
}

/** What the job would do: runs, time, memory, networks and the shapes that its terms compare. */
export function PlanPanel({ planned: { plan, problem, current }, seeds, student }: PlanPanelProps) {
  return (
    <>
      <header>
        <h2>Plan</h2>
        <span class="push" />
        {plan && (!current || problem) && (
          <span class="state paused small" role="status">
            <Icon name="clock" />
            Before your last change
          </span>
        )}
      </header>
      <div class="body">
        {plan === undefined ? (
          <p class="muted">{problem ? 'The plan appears once the fields are right.' : 'Planning…'}</p>
        ) : (
          <PlanFacts plan={plan} seeds={seeds} student={student} />
        )}
      </div>
    </>
  );
}

function PlanFacts({ plan, seeds, student }: { plan: Plan; seeds: number; student: string | undefined }) {
  const { dataset, teachers, students, stages, estimate, warnings } = plan;
  const names = students.filter(({ name }) => !isControl(plan, name)).map(({ name }) => name);
  const shown =
    students.find(({ name }) => name === student) ?? students.find(({ name }) => names.includes(name));
  const pairs = shown === undefined ? [] : tapPairs(shown, teachers);
  const facts = [
    [
      'Runs',
      `${teachers.length > 0 ? `${counted(teachers.length, 'teacher')} + ` : ''}${students.length} × ${counted(seeds, 'seed')}`,
    ],
    ['Stages', number(stages.length)],
    ['Samples', `${number(dataset.train)} train, ${number(dataset.test)} test`],
    ['Time on 1 trainer', estimate.seconds === null ? 'not known yet' : about(estimate.seconds)],
    ['Cached outputs', bytes(estimate.outputsBytes)],
    ['Memory a trainer', bytes(estimate.memoryBytes)],
  ];
  return (
    <>
      <Facts class="pl" facts={facts} />
      {warnings.map((warning) => (
        <p key={warning} class="warn small">
          <Icon name="warning" /> {warning}
        </p>
      ))}
      <table class="pt">
        <thead>
          <tr>
            <th scope="col">Network</th>
            <th scope="col" class="num">
              Parameters
            </th>
            <th scope="col" class="num">
              Projectors
            </th>
          </tr>
        </thead>
        <tbody>
          {teachers.map(({ name, parameters }) => (
            <tr key={name}>
              <th scope="row">
                <span class="name">
                  <Mark network={{ role: 'teacher' }} />
                  {name}
                </span>
              </th>
              <td class="num">{number(parameters)}</td>
              <td class="num muted">{nothing}</td>
            </tr>
          ))}
          {students.map((one) => {
            const control = isControl(plan, one.name);
            const projectors = projectorParameters(one);
            return (
              <tr key={one.name} class={control ? 'control' : undefined}>
                <th scope="row">
                  <span class="name">
                    <Mark
                      network={
                        control ? { role: 'control' } : { role: 'student', place: names.indexOf(one.name) }
                      }
                    />
                    {one.name}
                  </span>
                </th>
                <td class="num">{number(one.parameters)}</td>
                <td class={projectors > 0 ? 'num' : 'num muted'}>
                  {projectors > 0 ? number(projectors) : nothing}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {shown && pairs.length > 0 && (
        <>
          <h3>Taps of {shown.name}</h3>
          <table class="pt shp">
            <thead>
              <tr>
                <th scope="col">Term, tap</th>
                <th scope="col">Student</th>
                <th scope="col">Teacher</th>
              </tr>
            </thead>
            <tbody>
              {pairs.map(({ term, tap, student: own, teacher }) => (
                <tr key={`${term} ${tap}`}>
                  <th scope="row">
                    <span class="small two">{term}</span> {tap}
                  </th>
                  <td class="mono">{own}</td>
                  <td class="mono">{teacher}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </>
      )}
    </>
  );
}

/** Whether a student is trained as the control of others. */
const isControl = ({ students }: Plan, name: string): boolean =>
  students.some(({ control }) => control === name);
