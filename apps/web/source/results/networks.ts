import type { Network } from '../components/mark.tsx';

/** Whether a name is that of a control; the spec refuses such names for students. */
export const isControl = (name: string): boolean => /^control(-|$)/.test(name);

/** The roles of networks, which are named in the order of the spec. Colour and shape follow it, never the rank. */
export function rolesOf(students: Iterable<string>, teachers: Iterable<string> = []): Map<string, Network> {
  const roles = new Map<string, Network>();
  for (const name of teachers) roles.set(name, { role: 'teacher' });
  let place = 0;
  for (const name of students) {
    if (roles.has(name)) continue;
    roles.set(name, isControl(name) ? { role: 'control' } : { role: 'student', place: place++ });
  }
  return roles;
}
