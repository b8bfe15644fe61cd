import type { Preparation } from '../preparation.ts';

/** The version of TensorFlow.js that pages load, with its SHA-384, so that a browser runs no other script. */
const script = {
  url: 'https://cdn.jsdelivr.net/npm/@tensorflow/tfjs@4.22.0/dist/tf.min.js',
  integrity: 'sha384-vE8hbVJ4lezako5rlvE7bY0BVzWlFhZncPlckrqNwcUQpVtgbENTgZ8TBbnPjZre',
};

const images = `      const bitmap = await createImageBitmap(given_input.files[0]);
      const [height, width, channels] = given.shape;
      const x = tf.tidy(() => {
        const pixels = tf.image.resizeBilinear(tf.browser.fromPixels(bitmap, channels), [height, width]);
        return pixels.div(255).sub(given.mean).div(given.std).expandDims(0);
      });`;

const texts = `      const ids = given_input.value.split(/\\s+/).filter(Boolean).map(Number);
      const x = tf.tensor([Array.from({ length: given.shape[0] }, (_, i) => ids[i] ?? 0)], undefined, 'int32');`;

const rows = `      const numbers = given_input.value.split(/\\s+/).filter(Boolean).map(Number);
      const x = tf.tensor([given.columns.map(({ mean, std }, i) => (numbers[i] - mean) / std)]);`;

const inputs = {
  image: {
    lines: images,
    field: '<input id="given_input" type="file" accept="image/*" />',
    label: 'An image',
  },
  ids: { lines: texts, field: '<input id="given_input" />', label: 'The ids of the tokens' },
  row: { lines: rows, field: '<input id="given_input" />', label: 'A number for each column' },
};

/** Writes a page that runs a graph model in TensorFlow.js, and shows what the example in Python prints. */
export function pageExample({ input }: Preparation): string {
  const { lines, field, label } = inputs[input];
  return `<!doctype html>
<!-- Serve the folder, for example by: python3 -m http.server -->
<html lang="en">
  <meta charset="utf-8" />
  <title>Classify</title>
  <label>${label}: ${field}</label>
  <pre id="answer"></pre>
  <script src="${script.url}" integrity="${script.integrity}" crossorigin="anonymous"></script>
  <script type="module">
    const read = async (name) => (await fetch(name)).json();
    const [labels, given] = await Promise.all([read('labels.json'), read('preprocessing.json')]);
    const model = await tf.loadGraphModel('model/model.json');
    given_input.onchange = async () => {
${lines}
      const logits = model.execute(x, 'logits');
      const [shares, numbers] = [tf.softmax(logits).dataSync(), [...logits.dataSync()]];
      const best = numbers.indexOf(Math.max(...numbers));
      answer.textContent = JSON.stringify({ class: labels[best], probability: shares[best], logits: numbers });
      tf.dispose([x, logits]);
    };
    answer.textContent = 'ready';
  </script>
</html>
`;
}
