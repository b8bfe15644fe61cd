import type { FastifyInstance } from 'fastify';

/**
 * Opens the routes that are registered after it, in this plugin and below, to keys of a project. Each of them must show only what is
 * common to all, or what belongs to the caller's project.
 */
export function openToProjects(app: Pick<FastifyInstance, 'addHook'>): void {
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, projects: true };
  });
}
