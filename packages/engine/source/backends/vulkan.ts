import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/**
 * Finds the Vulkan drivers of the machine as Vulkan's loader does, by the manifest files that describe them. Dawn
 * writes warnings to stderr if there is no driver; this check avoids them when engines are tried automatically.
 *
 * @returns the paths of the manifests; undefined on systems other than Linux, which use their GPUs without Vulkan
 */
export function vulkanDrivers(): string[] | undefined {
  if (process.platform !== 'linux') return undefined;
  const { VK_DRIVER_FILES, VK_ICD_FILENAMES, VK_ADD_DRIVER_FILES } = process.env;
  const named = split(VK_DRIVER_FILES ?? VK_ICD_FILENAMES);
  if (named.length > 0) return named.flatMap(manifests);
  return [...split(VK_ADD_DRIVER_FILES), ...driverFolders()].flatMap(manifests);
}

/**
 * Finds a Vulkan driver that emulates a GPU on the CPU, for tests on machines without a GPU: Chromium's SwiftShader or
 * Mesa's lavapipe.
 */
export function softwareVulkanDriver(): string | undefined {
  const places = [
    '/usr/lib/chromium/vk_swiftshader_icd.json',
    '/usr/lib64/chromium-browser/vk_swiftshader_icd.json',
    '/opt/google/chrome/vk_swiftshader_icd.json',
    ...driverFolders().flatMap((folder) => manifests(folder).filter((path) => path.includes('/lvp_icd.'))),
  ];
  return process.platform === 'linux' ? places.find((path) => existsSync(path)) : undefined;
}

function driverFolders(): string[] {
  const { XDG_DATA_HOME, XDG_DATA_DIRS, XDG_CONFIG_DIRS } = process.env;
  const roots = [
    XDG_DATA_HOME ?? join(homedir(), '.local/share'),
    ...split(XDG_CONFIG_DIRS),
    ...split(XDG_DATA_DIRS),
    '/usr/local/etc',
    '/usr/local/share',
    '/etc',
    '/usr/share',
    '/run/opengl-driver/share',
  ];
  return [...new Set(roots)].map((root) => join(root, 'vulkan/icd.d'));
}

/** Returns the manifests of drivers at a path, which is a manifest or a folder of manifests. */
function manifests(path: string): string[] {
  if (path.endsWith('.json')) return existsSync(path) ? [path] : [];
  if (!existsSync(path)) return [];
  return readdirSync(path)
    .filter((name) => name.endsWith('.json'))
    .map((name) => join(path, name));
}

function split(paths: string | undefined): string[] {
  return (paths ?? '').split(delimiter).filter((path) => path !== '');
}
