import { Segments } from '../../components/segments.tsx';
import { valueAt } from './edit.ts';
import { Field, ObjectFields } from './fields/field.tsx';
import { useForm } from './form-context.ts';
import { branchOf, isObject, resolved, type Schema } from './schema.ts';
import { Students } from './students.tsx';

/** Fields with a section of their own, and those of the first section; all others are under "More". */
const placed = ['name', 'labels', 'dataset', 'teacher', 'students', 'training', 'seeds', 'validation'];

/** The form of a job spec, from the schema that the service checks it with. */
export function SpecForm({ open, onOpen }: { open: number; onOpen: (index: number) => void }) {
  const { spec, schemas } = useForm();
  const job = schemas.JobSpec;
  const property = (name: string) => job.properties?.[name] as Schema;
  return (
    <div class="stack">
      <section class="card">
        <div class="body fs two-up">
          <Field path={['name']} schema={property('name')} />
          <Field path={['labels']} schema={property('labels')} />
        </div>
      </section>
      <section class="card" id="dataset">
        <header>
          <h2>Data</h2>
        </header>
        <div class="body fs">
          <Field path={['dataset']} schema={property('dataset')} label="Source" required />
          <Field path={['validation']} schema={property('validation')} label="Validation share" />
        </div>
      </section>
      {spec.procedure !== 'mutual' && <Teacher schema={resolved(property('teacher'), schemas)} />}
      <Students schema={property('students')} open={open} onOpen={onOpen} />
      <section class="card" id="training">
        <header>
          <h2>Training</h2>
          <span class="small muted">of every network, unless it has settings of its own</span>
        </header>
        <div class="body fs">
          <Field path={['seeds']} schema={property('seeds')} />
          <ObjectFields path={['training']} schema={resolved(property('training'), schemas)} />
        </div>
      </section>
      <details class="card" id="more">
        <summary>
          <h2>More</h2>
          <span class="small muted">procedure, several teachers, priority, checkpoints, limits</span>
        </summary>
        <div class="body fs">
          <ObjectFields path={[]} schema={job} without={placed} all />
        </div>
      </details>
    </div>
  );
}

function Teacher({ schema }: { schema: Schema }) {
  const { spec, set } = useForm();
  const teacher = valueAt(spec, ['teacher']);
  const kinds = (schema.oneOf ?? []).map((one) => String(one.properties?.type.const));
  const chosen = isObject(teacher) && typeof teacher.type === 'string' ? teacher.type : 'trained';
  const words: Record<string, string> = {
    trained: 'Train here',
    stored: 'Stored',
    onnx: 'ONNX',
    outputs: 'Outputs',
  };
  const branch = branchOf(schema, 'type', { type: chosen });
  return (
    <section class="card" id="teacher">
      <header>
        <h2>Teacher</h2>
        <span class="push" />
        {kinds.length > 1 && (
          <Segments
            small
            label="Where the teacher comes from"
            value={chosen}
            options={kinds.map((kind) => ({ value: kind, label: words[kind] ?? kind }))}
            onChange={(kind) => set(['teacher'], kind === 'trained' ? {} : { type: kind })}
          />
        )}
      </header>
      <div class="body fs">
        <ObjectFields path={['teacher']} schema={branch} without={['type']} />
      </div>
    </section>
  );
}
