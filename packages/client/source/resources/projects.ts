import type { NewProjectInput, Project, ProjectQuotaChange, ProjectView } from '@distillery/spec';
import type { CallOptions, Transport } from '../transport.ts';

const path = (name: string) => `/v1/projects/${encodeURIComponent(name)}`;

/** The calls about projects. Changes need a key of scope `admin`. */
export function projects(transport: Transport) {
  return {
    /**
     * Lists the projects by name; a key of a project gets its own.
     *
     * @example
     * for (const { name, quota } of await client.projects.list()) console.log(name, quota.hours);
     */
    list: async (options: CallOptions = {}): Promise<Project[]> =>
      (await transport.json<{ projects: Project[] }>({ path: '/v1/projects', ...options })).projects,

    /**
     * Creates a project. Keys are created for it by `client.keys.create({ name, project })`.
     *
     * @throws ApiError `state_conflict` when there is one of this name
     * @example
     * await client.projects.create({ name: 'vision', quota: { hours: 200 } });
     */
    create: (project: NewProjectInput, options: CallOptions = {}): Promise<Project> =>
      transport.json<Project>({ path: '/v1/projects', method: 'POST', body: project, ...options }),

    /**
     * Returns a project with its quotas and what it uses.
     *
     * @throws ApiError `project_not_found`
     * @example
     * const { used, quota } = await client.projects.get('vision');
     */
    get: (name: string, options: CallOptions = {}): Promise<ProjectView> =>
      transport.json<ProjectView>({ path: path(name), ...options }),

    /**
     * Changes the quotas that are given; null takes a limit away.
     *
     * @example
     * await client.projects.setQuota('vision', { jobs: 20, hours: null });
     */
    setQuota: (name: string, quota: ProjectQuotaChange, options: CallOptions = {}): Promise<Project> =>
      transport.json<Project>({ path: path(name), method: 'PATCH', body: quota, ...options }),
  };
}
