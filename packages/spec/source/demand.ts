import { z } from 'zod';

const count = z.number().int().min(0);

/** The states in which a stage asks for a worker or has one. */
export const demandStates = ['ready', 'delayed', 'running'] as const;
export type DemandState = (typeof demandStates)[number];

const demandSchema = z.object({
  requires: z
    .array(z.string())
    .describe('What these stages require of a worker; empty: any worker can run them.'),
  ready: count.describe('How many could run now and wait for a trainer.'),
  delayed: count.describe('How many have failed and are tried again within a minute.'),
  running: count.describe('How many run, with those whose worker was lost a moment ago.'),
});
/** The stages that require the same of a worker. */
export type Demand = z.output<typeof demandSchema>;

export const demandViewSchema = z.object({
  stages: count.describe('How many stages there is work for now: those that are ready, delayed or running.'),
  byRequirement: z.array(demandSchema).describe('The same stages by what they require of a worker.'),
});
/** How many workers there is work for, as `GET /v1/demand` answers. */
export type DemandView = z.output<typeof demandViewSchema>;

/** The name of a requirement: `gpuMemory` of `gpuMemory>=17179869184`. */
export function requirementName(requirement: string): string {
  return requirement.split('>=')[0];
}

/**
 * Selects stages by what they require.
 *
 * @param requires the names of requirements of which a stage has all
 * @param without the names of requirements of which a stage has none
 */
export function demandOf(
  demand: readonly Demand[],
  { requires = [], without = [] }: { requires?: readonly string[]; without?: readonly string[] } = {},
): DemandView {
  const byRequirement = demand.filter((one) => {
    const names = one.requires.map(requirementName);
    return requires.every((name) => names.includes(name)) && !without.some((name) => names.includes(name));
  });
  const stages = byRequirement.reduce(
    (sum, one) => demandStates.reduce((total, state) => total + one[state], sum),
    0,
  );
  return { stages, byRequirement };
}
