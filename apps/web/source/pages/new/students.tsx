import { Button } from '../../components/button.tsx';
import { Icon } from '../../components/icon.tsx';
import { Mark } from '../../components/mark.tsx';
import { type Path, pointerOf } from './edit.ts';
import { useForm } from './form-context.ts';
import { KindList, ObjectFields } from './fields/field.tsx';
import { textOf } from './values.ts';
import { isObject, resolved, type Schema } from './schema.ts';

interface StudentsProps {
  schema: Schema;
  /** The index of the student whose fields are shown; -1: none. */
  open: number;
  onOpen: (index: number) => void;
}

/** The students of the spec: one is open, the others are a line each. */
export function Students({ schema, open, onOpen }: StudentsProps) {
  const { spec, set, errors } = useForm();
  const students = (Array.isArray(spec.students) ? spec.students : []) as Record<string, unknown>[];
  const add = (student: Record<string, unknown>) => {
    set(['students'], [...students, student]);
    onOpen(students.length);
  };
  const newName = (base: string) => {
    const taken = new Set(students.map(({ name }) => name));
    for (let number = 2; ; number++) {
      const name = `${base.replace(/-\d+$/, '')}-${number}`;
      if (!taken.has(name)) return name;
    }
  };
  return (
    <section class="card" id="students">
      <header>
        <h2>Students</h2>
        {spec.baseline !== false && <span class="small muted">a control is added for each network</span>}
        <span class="push" />
        <Button
          small
          icon="plus"
          onClick={() =>
            add({
              name: students.length === 0 ? 'soft' : newName('student'),
              architecture: structuredClone(students[0]?.architecture ?? { type: 'lightnn' }),
              method: [{ type: 'soft_target' }, { type: 'cross_entropy' }],
            })
          }
        >
          Add a student
        </Button>
      </header>
      <div class="body">
        {students.map((student, index) => {
          const path = ['students', index];
          const name = typeof student.name === 'string' ? student.name : `student ${index + 1}`;
          const wrong = [...errors.keys()].some((one) => one.startsWith(`${pointerOf(path)}/`));
          return (
            <div key={index} class={open === index ? 'stu open' : 'stu'}>
              <div class="bar">
                <button
                  type="button"
                  class="unfold"
                  aria-expanded={open === index}
                  onClick={() => onOpen(open === index ? -1 : index)}
                >
                  <Mark network={{ role: 'student', place: index }} />
                  <b>{name}</b>
                  <span class="small two wide">{summary(student)}</span>
                  {wrong && open !== index && (
                    <span class="bad-text small">
                      <Icon name="warning" label="Has errors" />
                    </span>
                  )}
                  <Icon name={open === index ? 'up' : 'down'} />
                </button>
                <Button
                  kind="quiet"
                  small
                  class="wide"
                  onClick={() => add({ ...structuredClone(student), name: newName(name) })}
                >
                  Duplicate
                </Button>
                <Button
                  kind="quiet"
                  small
                  icon="close"
                  label={`Remove ${name}`}
                  disabled={students.length === 1}
                  onClick={() => set(path, undefined)}
                />
              </div>
              {open === index && <Student path={path} schema={schema} />}
            </div>
          );
        })}
      </div>
    </section>
  );
}

/** `resnet20 · soft_target + cross_entropy` */
function summary(student: Record<string, unknown>): string {
  const { architecture, method } = student;
  const { type = '?', depth } = isObject(architecture) ? architecture : {};
  const terms = Array.isArray(method) ? method.map((term) => textOf(isObject(term) ? term.type : '?')) : [];
  return `${textOf(type)}${textOf(depth)} · ${terms.join(' + ')}`;
}

function Student({ path, schema }: { path: Path; schema: Schema }) {
  const { schemas } = useForm();
  const student = resolved(schema.items as Schema, schemas);
  const term = resolved({ $ref: '#/components/schemas/Term' }, schemas);
  return (
    <>
      <div class="fs">
        <ObjectFields path={path} schema={student} without={['method']} />
      </div>
      <KindList path={[...path, 'method']} schema={term} what="a term" atLeast={1} />
    </>
  );
}
