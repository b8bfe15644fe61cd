/** The role of a network in a job, and the place that gives a student its colour and shape. */
export type NetworkRole =
  | { role: 'teacher' }
  | { role: 'control' }
  /** `place` counts the students of the spec without controls, from 0. */
  | { role: 'student'; place: number };

/** Whether a name is that of a control; the spec refuses such names for students. */
export const isControl = (name: string): boolean => /^control(-|$)/.test(name);

/** The roles of networks, which are named in the order of the spec. Colour and shape follow it, never the rank. */
export function rolesOf(
  students: Iterable<string>,
  teachers: Iterable<string> = [],
): Map<string, NetworkRole> {
  const roles = new Map<string, NetworkRole>();
  for (const name of teachers) roles.set(name, { role: 'teacher' });
  let place = 0;
  for (const name of students) {
    if (roles.has(name)) continue;
    roles.set(name, isControl(name) ? { role: 'control' } : { role: 'student', place: place++ });
  }
  return roles;
}
