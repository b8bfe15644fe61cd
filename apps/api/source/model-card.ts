import { DistilleryError, type Report, type Spread } from '@distillery/spec';

type Student = Report['students'][number];

/** What a card says beside what the report knows. */
export interface CardChoice {
  /** The name of the student. */
  name: string;
  /** The license of the weights, as Hugging Face names it. */
  license: string;
  /** The version of Distillery that writes the card. */
  version: string;
}

/**
 * Writes the model card of a student: Markdown with the metadata of Hugging Face
 * (https://huggingface.co/docs/hub/model-cards).
 *
 * @throws DistilleryError `student_not_found`
 */
export function modelCard(report: Report, { name, license, version }: CardChoice): string {
  const student = report.students.find((one) => one.name === name);
  if (student === undefined) {
    const names = report.students.map((one) => one.name).join(', ');
    throw new DistilleryError(
      'student_not_found',
      `the job has no student ${name}; its students are: ${names}`,
    );
  }
  const { dataset } = report;
  const [run] = student.runs;
  return [
    ...metadata(report, student, license),
    '',
    `# ${escaped(name)}`,
    '',
    `A network of the architecture \`${String(student.architecture.type)}\` with ${integer(run.parameters)} parameters, ${origin(student)}. ` +
      `It tells ${dataset.classes.length} classes apart.`,
    '',
    '## Results',
    '',
    `Accuracy on ${integer(dataset.test)} test samples, of the weights with the best validation accuracy. Mean and standard deviation are over the seeds ${student.runs.map(({ seed }) => seed).join(', ')}.`,
    '',
    '| network | role | parameters | test accuracy | calibration error |',
    '| --- | --- | --- | --- | --- |',
    ...rows(report, student),
    '',
    student.control === null
      ? 'There is no control of this network, so the job does not show what distillation added.'
      : 'The control is the same network with the same first weights, trained on the labels alone.',
    '',
    '## Training',
    '',
    '```json',
    JSON.stringify({ architecture: student.architecture, method: student.method }, null, 2),
    '```',
    '',
    `${run.epochs} epochs in ${run.precision}, first weights \`${run.initialWeights}\`.`,
    '',
    '## Data',
    '',
    `- source: \`${dataset.source}\`, digest \`${dataset.digest}\``,
    `- samples: ${integer(dataset.train)} for training, ${integer(dataset.validation)} for validation, ${integer(dataset.test)} for the test`,
    `- classes, in the order of the logits: ${dataset.classes.map(escaped).join(', ')}`,
    '',
    '## Versions',
    '',
    `Distillery ${version}, engine ${run.engine.name} (${Object.entries(run.engine.versions)
      .map(([part, number]) => `${part} ${number}`)
      .join(', ')}), job \`${report.job}\` of ${report.createdAt.slice(0, 10)}.`,
    '',
  ].join('\n');
}

function metadata({ dataset, teachers }: Report, student: Student, license: string): string[] {
  const { name, architecture, runs, testAccuracy } = student;
  const parents = teachers.filter((teacher) => student.teachers.includes(teacher.name));
  const task = taskOf(String(architecture.type), dataset.source);
  // JSON is YAML, and needs no rules for quotes.
  return [
    '---',
    `license: ${JSON.stringify(license)}`,
    `pipeline_tag: ${task}`,
    `tags: ${JSON.stringify(['knowledge-distillation', 'distillery', String(architecture.type)])}`,
    `model-index: ${JSON.stringify([
      {
        name,
        results: [
          {
            task: { type: task },
            dataset: { name: dataset.source, type: dataset.source, revision: dataset.digest },
            metrics: [{ type: 'accuracy', value: testAccuracy.best.mean, verified: false }],
          },
        ],
      },
    ])}`,
    `distillery: ${JSON.stringify({
      weights: runs.map(({ seed, best }) => ({ seed, digest: best.weights.digest })),
      teachers: parents.map((teacher) => ({ name: teacher.name, digest: teacher.best.weights.digest })),
    })}`,
    '---',
  ];
}

/** The architectures that take texts. */
const textArchitectures: ReadonlySet<string> = new Set(['text_transformer', 'distilbert', 'bert']);

function taskOf(architecture: string, source: string): string {
  if (textArchitectures.has(architecture)) return 'text-classification';
  return source === 'table' ? 'tabular-classification' : 'image-classification';
}

function origin({ teachers, control, method }: Student): string {
  const terms = method.map(({ type }) => `\`${String(type)}\``).join(', ');
  if (teachers.length > 0) return `distilled from ${teachers.map(escaped).join(', ')} by ${terms}`;
  return control === null ? 'trained on the labels' : `trained with its peers by ${terms}`;
}

/** The rows of the student, its control and its teachers. */
function rows({ students, teachers }: Report, student: Student): string[] {
  const ofStudent = (one: Student, role: string) =>
    row([
      escaped(one.name),
      role,
      integer(one.runs[0].parameters),
      share(one.testAccuracy.best),
      one.expectedCalibrationError.mean.toFixed(3),
    ]);
  const control = students.find((one) => one.name === student.control);
  const assistants = students.filter((one) => student.teachers.includes(one.name));
  return [
    ofStudent(student, 'this network'),
    ...(control === undefined ? [] : [ofStudent(control, 'control')]),
    ...teachers
      .filter((teacher) => student.teachers.includes(teacher.name))
      .map(({ name, parameters, best }) =>
        row([
          escaped(name),
          'teacher',
          parameters === 0 ? 'not known' : integer(parameters),
          share({ mean: best.testAccuracy, sd: null }),
          best.expectedCalibrationError.toFixed(3),
        ]),
      ),
    ...assistants.map((one) => ofStudent(one, 'teacher')),
  ];
}

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const integer = (value: number): string => value.toLocaleString('en-US');

function share({ mean, sd }: Spread): string {
  const percent = (value: number) => (100 * value).toFixed(2);
  return sd === null ? `${percent(mean)} %` : `${percent(mean)} ± ${percent(sd)} %`;
}

/** A text that Markdown shows as it is, on one line. */
function escaped(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll(/[\\`*_[\]<>|#]/g, '\\$&');
}
