import { readFileSync } from 'node:fs';
import type { Report, Spread } from '@distillery/spec';
import { architectureText } from './comparison-table.ts';
import { bytes, integer } from './format.ts';
import { escapeHtml as e } from './html.ts';
import { methodInFull } from './method-words.ts';
import { gainOf, spreadText } from './report-table.ts';
import { scatter } from './scatter.ts';

type Student = Report['students'][number];

/** Renders a report as one HTML file, which needs no other file and no network. */
export function reportPage(report: Report): string {
  const { name, job, createdAt, dataset, students, teachers, warnings } = report;
  const css = readFileSync(new URL('./report-page.css', import.meta.url), 'utf8');
  const controls = new Set(students.map(({ control }) => control));
  const roleOf = (student: Student): 'control' | 'student' =>
    controls.has(student.name) ? 'control' : 'student';
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${e(name ?? job)} – Distillery report</title>
<style>${css}</style>
<main>
<h1>${e(name ?? job)}</h1>
<p>${e(job)}, reported on ${createdAt.slice(0, 10)}. ${e(dataset.source)}: ${integer(dataset.train)} training, ${integer(dataset.validation)} validation and ${integer(dataset.test)} test samples in ${dataset.classes.length} classes.</p>
${warnings.length === 0 ? '' : `<ul>${warnings.map((warning) => `<li class="warn">${e(warning)}</li>`).join('')}</ul>`}
<h2>Results</h2>
<div class="scroll"><table>
<thead><tr>${[
    'network',
    'test %, best epoch',
    'gain over control',
    'gap closed',
    'agreement',
    'calibration error',
    'parameters',
    'size',
    'ms a sample',
  ]
    .map((title) => `<th scope="col">${title}</th>`)
    .join('')}</tr></thead>
<tbody>
${teachers
  .map(({ name: teacher, best, parameters, latencyMs }) =>
    row('teacher', [
      e(teacher),
      spreadText({ mean: best.testAccuracy, sd: null }),
      '–',
      '–',
      '–',
      best.expectedCalibrationError.toFixed(3),
      integer(parameters),
      bytes(best.weights.size),
      latencyMs.toFixed(2),
    ]),
  )
  .join('\n')}
${[...students]
  .sort((a, b) => b.testAccuracy.best.mean - a.testAccuracy.best.mean)
  .map((student) => row(roleOf(student), studentCells(student, students)))
  .join('\n')}
</tbody></table></div>
<p>Mean ± sample standard deviation over ${students[0].runs.length} ${students[0].runs.length === 1 ? 'seed: differences of a point or two are noise' : 'seeds'}. Gain: points of test accuracy over the same network trained on labels alone.</p>
<h2>Accuracy against size</h2>
${scatter([
  ...teachers.map((one) => ({
    name: one.name,
    role: 'teacher' as const,
    x: one.parameters,
    y: 100 * one.best.testAccuracy,
  })),
  ...students.map((one) => ({
    name: one.name,
    role: roleOf(one),
    x: one.runs[0].parameters,
    y: 100 * one.testAccuracy.best.mean,
  })),
])}
<h2>Networks and methods</h2>
<ul>${students
    .map(
      (student) =>
        `<li><b>${e(student.name)}</b> (${e(architectureText(student.architecture))}): ${e(methodInFull(student)).replaceAll('`', '')}</li>`,
    )
    .join('\n')}</ul>
</main>
</html>
`;
}

function row(role: string, cells: readonly string[]): string {
  return `<tr class="${role}">${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
}

function studentCells(student: Student, students: readonly Student[]): string[] {
  const gain = gainOf(student, students);
  const direction = gain.startsWith('+') ? 'up' : gain.startsWith('−') ? 'down' : '';
  const share = (spread: Spread | null | undefined) =>
    spread ? `${spreadText(spread).replace('-', '−')} %` : '–';
  return [
    e(student.name),
    spreadText(student.testAccuracy.best),
    `<span class="${direction}">${gain}</span>`,
    share(student.gapClosed?.best),
    share(student.agreement),
    student.expectedCalibrationError.mean.toFixed(3),
    integer(student.runs[0].parameters),
    bytes(student.runs[0].best.weights.size),
    student.runs[0].latencyMs.toFixed(2),
  ];
}
