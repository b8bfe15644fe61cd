import { catalogueCommand } from '../catalogue-command.ts';

export const architectures = () =>
  catalogueCommand('architectures', {
    one: 'architecture',
    summary: 'list the network architectures',
    description: 'Lists the networks that teachers and students can be, or shows one with its options.',
  });
