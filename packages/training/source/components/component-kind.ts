import type { Kind } from '@distillery/spec';
import type { z } from 'zod';
import type { Member } from '../member.ts';
import type { Component } from './component.ts';

/**
 * A component that terms choose as their teacher, by its name and options. Each kind is one file and one line in
 * `index.ts`.
 */
export interface ComponentKind<Options extends z.ZodObject = z.ZodObject> extends Kind {
  readonly options: Options;
  /** Creates the component for a member of a training, whose network has its first weights. */
  create(options: z.output<Options>, member: Member): TeachingComponent;
}

/** A component that provides taps. Its name in checkpoints follows from its kind and options. */
type TeachingComponent = Omit<Component, 'name'> & Required<Pick<Component, 'provide'>>;
