import type { Preparation } from '../preparation.ts';

/** What the first line of an example says is given to it. */
export const givenTo: Record<Preparation['input'], string> = {
  image: 'photo.png',
  ids: '5 17 3 …, the ids of the tokens (preprocessing.json has the tokenizer)',
  row: '0.5 12 …, a number for each column of preprocessing.json',
};

const images = `
height, width, channels = given["shape"]
image = Image.open(sys.argv[1]).convert("RGB" if channels == 3 else "L").resize((width, height))
x = np.asarray(image, np.uint8).reshape(1, height, width, channels)
if given["values"] == "normalized":
    x = ((x / 255 - given["mean"]) / given["std"]).astype(np.float32)
if given["layout"] == "NCHW":
    x = np.ascontiguousarray(x.transpose(0, 3, 1, 2))`;

const texts = `
[length] = given["shape"]
ids = [int(number) for number in sys.argv[1:]]
x = np.array([(ids + [0] * length)[:length]], np.int64)`;

const rows = `
mean, std = (np.array([column[part] for column in given["columns"]]) for part in ("mean", "std"))
x = ((np.array([[float(number) for number in sys.argv[1:]]]) - mean) / std).astype(np.float32)`;

const inputs = { image: images, ids: texts, row: rows };

/**
 * Writes an example in Python that prints the class of one input with its probability and the logits, as JSON.
 *
 * @param packages what `pip install` needs beside NumPy
 * @param imports the lines that import them
 * @param compute the lines that turn the input `x` into `logits`, a NumPy array `[classes]`
 */
export function pythonExample(
  { input }: Preparation,
  { packages, imports, compute }: { packages: string; imports: string; compute: string },
): string {
  const pillow =
    input === 'image' ? { name: ' pillow', line: 'from PIL import Image\n' } : { name: '', line: '' };
  return `# pip install numpy ${packages}${pillow.name}
# python example.py ${givenTo[input]}
import json, pathlib, sys
import numpy as np
${pillow.line}${imports}

folder = pathlib.Path(__file__).parent
labels = json.loads((folder / "labels.json").read_text("utf-8"))
given = json.loads((folder / "preprocessing.json").read_text("utf-8"))
${inputs[input]}

${compute}
shares = np.exp(logits - logits.max())
best = int(logits.argmax())
print(json.dumps({"class": labels[best], "probability": float(shares[best] / shares.sum()), "logits": logits.tolist()}))
`;
}
