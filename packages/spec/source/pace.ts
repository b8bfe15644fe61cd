/** How long the stages of one kind take, as the workers of this service have measured. */
export interface Pace {
  /** Seconds from the start of a stage to its first step: its process, its engine, its data. */
  before: number;
  /** Seconds from its last step to its end: scores, storing. */
  after: number;
  /** Seconds for a unit of planned work; null until a stage of this kind has been measured. */
  perWork: number | null;
}

/** What is known about the speed of the workers. */
export interface Paces {
  /** By the kind of stage. */
  kinds: Readonly<Record<string, Pace>>;
  /** The median speed of the running workers in GFLOPS, which serves where no pace is measured. */
  gigaflops?: number | undefined;
}

/** Measured on two cores; a GPU's engine takes longer to start. */
const unmeasured: Pace = { before: 2, after: 0.5, perWork: null };

/** The pace of a kind of stage, with the best substitute for what is not measured: other kinds, then the engines' speed. */
export function paceOf(kind: string, { kinds, gigaflops }: Paces): Pace {
  const own = kinds[kind] ?? unmeasured;
  if (own.perWork !== null) return own;
  const others = Object.values(kinds).flatMap(({ perWork }) => (perWork === null ? [] : [perWork]));
  const mean = Math.exp(others.reduce((sum, one) => sum + Math.log(one), 0) / others.length);
  if (others.length > 0) return { ...own, perWork: mean };
  return { ...own, perWork: gigaflops === undefined ? null : 1 / (gigaflops * 1e9) };
}

/** The estimated seconds of a stage, its fixed costs included; null while no speed is known. */
export function stageSeconds({ kind, work }: { kind: string; work: number }, paces: Paces): number | null {
  const { before, after, perWork } = paceOf(kind, paces);
  if (work > 0 && perWork === null) return null;
  return before + after + work * (perWork ?? 0);
}
