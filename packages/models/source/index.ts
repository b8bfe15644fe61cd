import { registry } from '@distillery/spec';
import { type Architecture, bind } from './architecture.ts';
import { deepnn } from './deepnn.ts';
import { lightnn } from './lightnn.ts';

export { type Architecture, bind };

/** Every architecture; a new one is a file and a line here. */
export const architectures = registry<Architecture>([deepnn, lightnn]);
