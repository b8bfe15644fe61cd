import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/**
 * The Vulkan drivers of this machine, found as Vulkan's loader finds them: by small files that describe them. Dawn
 * writes warnings to stderr where there is none; asking here first keeps an engine that nobody asked for quiet.
 *
 * @returns paths of the files; on systems other than Linux, which reach their GPUs without Vulkan, undefined
 */
export function vulkanDrivers(): string[] | undefined {
  if (process.platform !== 'linux') return undefined;
  const { VK_DRIVER_FILES, VK_ICD_FILENAMES, VK_ADD_DRIVER_FILES } = process.env;
  const named = split(VK_DRIVER_FILES ?? VK_ICD_FILENAMES);
  if (named.length > 0) return named.flatMap(descriptions);
  return [...split(VK_ADD_DRIVER_FILES), ...driverFolders()].flatMap(descriptions);
}

/** A driver that computes on the CPU, for tests on machines without a GPU: Chromium's SwiftShader or Mesa's lavapipe. */
export function softwareVulkanDriver(): string | undefined {
  const places = [
    '/usr/lib/chromium/vk_swiftshader_icd.json',
    '/usr/lib64/chromium-browser/vk_swiftshader_icd.json',
    '/opt/google/chrome/vk_swiftshader_icd.json',
    ...driverFolders().flatMap((folder) => descriptions(folder).filter((path) => path.includes('/lvp_icd.'))),
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

/** The files that describe a driver: the path itself, or those in it. */
function descriptions(path: string): string[] {
  if (path.endsWith('.json')) return existsSync(path) ? [path] : [];
  if (!existsSync(path)) return [];
  return readdirSync(path)
    .filter((name) => name.endsWith('.json'))
    .map((name) => join(path, name));
}

function split(paths: string | undefined): string[] {
  return (paths ?? '').split(delimiter).filter((path) => path !== '');
}
