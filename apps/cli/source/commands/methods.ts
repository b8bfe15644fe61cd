import { catalogueCommand } from '../catalogue-command.ts';

export const methods = () =>
  catalogueCommand('methods', {
    one: 'distillation term',
    summary: 'list the distillation terms',
    description:
      'Lists the terms of which a method is made, or shows one with its formula, paper and options.',
  });
