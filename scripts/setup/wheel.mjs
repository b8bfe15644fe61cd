/** Gets libtensorflow from TensorFlow's official Python wheel: two libraries and the C headers. */
import { createHash } from 'node:crypto';
import { createReadStream, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { aptInstall, canAptInstall, run, which } from './shell.mjs';

export const TENSORFLOW = '2.21.0';

/**
 * The wheels with libraries to link against. The CPU-only package exists only for x86-64; on 64-bit ARM the full package
 * is the CPU build. pip checks a wheel without a hash here against its index; DISTILLERY_WHEEL_SHA256 pins another hash.
 */
const wheels = {
  'cpu-linux-x64': {
    project: 'tensorflow-cpu',
    machine: 'x86_64',
    sha256: '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
    size: '274 MB',
  },
  'cpu-linux-arm64': { project: 'tensorflow', machine: 'aarch64', size: '269 MB' },
  'gpu-linux-x64': {
    project: 'tensorflow',
    machine: 'x86_64',
    size: '600 MB, then 2-3 GB of CUDA libraries',
  },
};

/** Returns the wheel for this machine. @throws Error with the reason if there is none */
function wheelFor(device) {
  const key = `${device}-${process.platform}-${process.arch}`;
  const wheel = wheels[key];
  if (!wheel) throw new Error(`no TensorFlow ${TENSORFLOW} wheel with a linkable library for ${key}`);
  // musl (Alpine) cannot load a glibc library. Checked before the download.
  process.report.excludeNetwork = true;
  if (!process.report.getReport().header.glibcVersionRuntime) {
    throw new Error('the TensorFlow wheel needs glibc 2.27 or newer, and this system has another C library');
  }
  return { ...wheel, sha256: process.env.DISTILLERY_WHEEL_SHA256 ?? wheel.sha256 };
}

/** Returns a command that starts pip, or undefined. */
async function findPip() {
  for (const command of [['python3', '-m', 'pip'], ['pip3'], ['python', '-m', 'pip'], ['pip']]) {
    if (!which(command[0])) continue;
    const works = await run(command[0], [...command.slice(1), '--version']).then(
      () => true,
      () => false,
    );
    if (works) return command;
  }
  return undefined;
}

async function requirePip(print) {
  const found = await findPip();
  if (found) return found;
  if (!canAptInstall()) throw new Error('pip, which downloads the TensorFlow wheel, is not installed');
  await aptInstall(['python3-pip'], print);
  const installed = await findPip();
  if (!installed) throw new Error('python3-pip is installed, but pip does not start');
  return installed;
}

/**
 * Downloads wheels for `machine` into `folder`. The version of the installed Python does not matter, because no Python runs
 * their content. pip matches platform tags exactly, so every tag that the wheels may have is listed.
 */
async function pipDownload(pip, requirements, machine, folder, timeout) {
  const tags = ['manylinux_2_28', 'manylinux_2_27', 'manylinux_2_18', 'manylinux_2_17', 'manylinux2014'];
  await run(
    pip[0],
    [
      ...pip.slice(1),
      'download',
      '--no-deps',
      '--only-binary=:all:',
      '--no-cache-dir',
      '--no-input',
      '--disable-pip-version-check',
      '--progress-bar=off',
      '--retries=2',
      '--python-version=3.11',
      '--implementation=cp',
      '--abi=cp311',
      '--abi=abi3',
      '--abi=none',
      ...tags.map((tag) => `--platform=${tag}_${machine}`),
      '--dest',
      folder,
      ...requirements,
    ],
    { timeout },
  );
  return readdirSync(folder)
    .filter((name) => name.endsWith('.whl'))
    .map((name) => join(folder, name));
}

async function verify(path, sha256) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  const found = hash.digest('hex');
  if (found !== sha256) throw new Error(`the wheel's SHA-256 is ${found}, expected ${sha256}`);
}

/** Unpacks the members of a zip whose names match `pattern` (a Python regular expression). */
async function unzip(archive, pattern, folder) {
  const python = which('python3') ?? which('python');
  // Runs in any Python 3, which pip needs too. ZipFile.extractall refuses paths outside the folder.
  const program = [
    'import re, sys, zipfile',
    'archive, pattern, folder = sys.argv[1:]',
    'with zipfile.ZipFile(archive) as z:',
    '    names = [n for n in z.namelist() if re.match(pattern, n)]',
    '    z.extractall(folder, names)',
  ].join('\n');
  if (!python) throw new Error('python3, which unpacks the TensorFlow wheel, is not on PATH');
  await run(python, ['-c', program, archive, pattern, folder]);
}

/** Returns the requirements of the wheel's `and-cuda` extra: its CUDA libraries with their versions. */
function cudaRequirements(folder) {
  const info = readdirSync(folder).find((name) => name.endsWith('.dist-info'));
  return readFileSync(join(folder, info, 'METADATA'), 'utf8')
    .split('\n')
    .map((line) => /^Requires-Dist: (nvidia-[^;]+);.*extra == ['"]and-cuda['"]/.exec(line)?.[1])
    .filter((requirement) => requirement !== undefined)
    .map((requirement) => requirement.replace(/[()\s]/g, ''));
}

/**
 * Downloads and unpacks into `folder`: `tensorflow/` with two shared libraries and the C headers, and for a GPU
 * `nvidia/*`. Each wheel is deleted after it is unpacked.
 */
export async function fetchTensorflow(folder, device, print) {
  const wheel = wheelFor(device);
  const pip = await requirePip(print);
  print(`downloading ${wheel.project} ${TENSORFLOW} (${wheel.size}) with pip`);
  const downloads = join(folder, 'wheels');
  const [path] = await pipDownload(
    pip,
    [`${wheel.project}==${TENSORFLOW}`],
    wheel.machine,
    downloads,
    1_800_000,
  );
  if (wheel.sha256) await verify(path, wheel.sha256);
  print('unpacking the two shared libraries and the C headers');
  const headers = 'include/(tensorflow/c|tensorflow/core/platform|tsl/platform|xla/tsl)/';
  await unzip(
    path,
    `tensorflow/(libtensorflow_(cc|framework)\\.so\\.2$|${headers})|[^/]+\\.dist-info/METADATA$`,
    folder,
  );
  rmSync(path);
  if (device === 'gpu') {
    const requirements = cudaRequirements(folder);
    if (requirements.length === 0) throw new Error('the wheel lists no CUDA libraries (extra "and-cuda")');
    print(`downloading ${requirements.length} CUDA libraries`);
    for (const library of await pipDownload(pip, requirements, wheel.machine, downloads, 3_600_000)) {
      // The libraries, and ptxas and libdevice, which compile kernels for a GPU that is newer than the wheel.
      await unzip(library, 'nvidia/[^/]+/(lib/|bin/ptxas$|nvvm/libdevice/)', folder);
      rmSync(library);
    }
  }
  rmSync(downloads, { recursive: true, force: true });
}
