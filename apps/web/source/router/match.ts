import { type PageName, pagePaths } from '../paths.ts';

/** A page and the parameters that its path gives it. */
export interface Match {
  name: PageName;
  params: Record<string, string>;
}

const patterns = (Object.entries(pagePaths) as [PageName, string][]).map(([name, path]) => ({
  name,
  pattern: new RegExp(
    `^${path.replaceAll(/\/:(\w+)(\?)?/g, (_, parameter: string, optional = '') =>
      optional === '' ? `/(?<${parameter}>[^/]+)` : `(?:/(?<${parameter}>[^/]+))?`,
    )}/?$`,
  ),
}));

/** Finds the page of a path; undefined when there is none. */
export function matchPage(path: string): Match | undefined {
  for (const { name, pattern } of patterns) {
    const groups = pattern.exec(path);
    if (groups === null) continue;
    const params = Object.entries(groups.groups ?? {}).filter(([, value]) => value !== undefined);
    return { name, params: Object.fromEntries(params.map(([key, value]) => [key, decoded(value)])) };
  }
  return undefined;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
