import type { Preparation } from '../preparation.ts';
import { givenTo } from './python.ts';

const images = `const [height, width, channels] = given.shape;
const colours = channels === 3 ? 'srgb' : 'b-w';
const image = sharp(process.argv[2]).resize(width, height, { fit: 'fill' }).toColourspace(colours).removeAlpha();
const pixels = new Uint8Array(await image.raw().toBuffer());
const normalised = (i) => (pixels[i] / 255 - given.mean[i % channels]) / given.std[i % channels];
const places = height * width;
const x =
  given.values === 'pixels'
    ? new ort.Tensor('uint8', pixels, [1, height, width, channels])
    : new ort.Tensor(
        'float32',
        Float32Array.from(pixels, (_, i) => normalised((i % places) * channels + Math.floor(i / places))),
        [1, channels, height, width],
      );`;

const texts = `const ids = process.argv.slice(2).map(BigInt);
const x = new ort.Tensor('int64', BigInt64Array.from({ length: given.shape[0] }, (_, i) => ids[i] ?? 0n), [1, ...given.shape]);`;

const rows = `const numbers = process.argv.slice(2).map(Number);
const row = given.columns.map(({ mean, std }, i) => (numbers[i] - mean) / std);
const x = new ort.Tensor('float32', Float32Array.from(row), [1, ...given.shape]);`;

const inputs = { image: images, ids: texts, row: rows };

const runtime = "import * as ort from 'onnxruntime-node';\n";

/** Writes an example for Node.js that runs a model in ONNX Runtime, and prints what the one in Python prints. */
export function nodeExample({ input }: Preparation): string {
  const [name, line] = input === 'image' ? [' sharp', "import sharp from 'sharp';\n"] : ['', ''];
  return `// npm install onnxruntime-node${name}
// node example.mjs ${givenTo[input]}
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
${runtime}${line}
const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const read = async (name) => JSON.parse(await readFile(path(name), 'utf8'));
const [labels, given] = await Promise.all([read('labels.json'), read('preprocessing.json')]);

${inputs[input]}

const session = await ort.InferenceSession.create(path('model.onnx'));
const answer = await session.run({ [session.inputNames[0]]: x });
const logits = Array.from(answer.logits.data);
const shares = logits.map((logit) => Math.exp(logit - Math.max(...logits)));
const best = logits.indexOf(Math.max(...logits));
const probability = shares[best] / shares.reduce((sum, share) => sum + share);
console.log(JSON.stringify({ class: labels[best], probability, logits }));
`;
}
