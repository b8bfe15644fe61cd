import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { softwareVulkanDriver, vulkanDrivers } from './packages/engine/source/backends/vulkan.ts';
import { testProjects } from './test/testing/projects.ts';

/** With ENGINE=webgpu and no GPU: the environment of a driver in software; undefined where there is none either. */
function webgpuEnvironment(): Record<string, string> | undefined {
  const software = softwareVulkanDriver();
  if (process.env.ENGINE !== 'webgpu' || vulkanDrivers()?.length !== 0) return {};
  return software === undefined ? undefined : { VK_DRIVER_FILES: software };
}

const webgpu = webgpuEnvironment();
if (webgpu === undefined) {
  console.log(
    'ENGINE=webgpu: all tests are skipped, as no Vulkan driver is installed, not even in software.',
  );
}
// What others have compiled, WebGPU compiles anew in every process, and in software it computes slowly.
const patience = process.env.ENGINE === 'webgpu' ? 20 : 1;

export default defineConfig({
  test: {
    projects: Object.entries(testProjects).map(
      ([name, { include, exclude = [], compiled = false, shared = false }]) => ({
        extends: true as const,
        test: {
          name,
          include: webgpu === undefined ? [] : include,
          exclude,
          isolate: !shared,
          globalSetup: compiled ? [fileURLToPath(new URL('test/testing/built.ts', import.meta.url))] : [],
          server: { deps: { external: [/\/\.cache\/built\//] } },
        },
      }),
    ),
    passWithNoTests: webgpu === undefined,
    // Native engines live in processes of their own. One file more than two cores run at a time, because some wait.
    pool: 'forks',
    maxWorkers: 3,
    testTimeout: 30_000 * patience,
    hookTimeout: 60_000 * patience,
    // Its default of one second fails pages of a machine that runs three files at a time.
    expect: { poll: { timeout: 10_000 * patience } },
    // TensorFlow's greeting on stderr says nothing about a test.
    env: {
      TF_CPP_MIN_LOG_LEVEL: '2',
      // Two files at a time, on two cores: more threads would wait for each other.
      TF_NUM_INTRAOP_THREADS: process.env.TF_NUM_INTRAOP_THREADS ?? '1',
      ...webgpu,
    },
  },
});
