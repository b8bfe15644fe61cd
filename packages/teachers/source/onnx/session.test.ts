import { expect, test } from 'vitest';
import { runModel } from './model.ts';
import { openSession, type OnnxSession } from './session.ts';

test('without ONNX Runtime a model is refused with the command that installs it', async () => {
  await expect(openSession(new Uint8Array(), 'a-package-that-is-not-installed')).rejects.toMatchObject({
    code: 'engine_unavailable',
    message: expect.stringContaining('ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node@1'),
  });
});

test('a model of one length of a batch is asked in parts, and the last part is filled up', () => {
  const asked: number[][] = [];
  const session: OnnxSession = {
    inputs: [],
    outputs: [],
    run({ shape, data }, names) {
      asked.push([...shape]);
      return names.map((name) => ({
        shape: [...shape],
        data: data.map((value) => (name === 'twice' ? 2 : 3) * value),
      }));
    },
    close() {},
  };
  const model = { session, input: { name: 'x', type: 'float32', shape: [2, 2] }, tensors: {}, batch: 2 };
  const sample = { shape: [2], data: Float32Array.of(1, 2, 3, 4, 5, 6), count: 3 };
  expect(runModel(model, sample, ['twice', 'thrice'])).toEqual([
    { shape: [3, 2], data: Float32Array.of(2, 4, 6, 8, 10, 12) },
    { shape: [3, 2], data: Float32Array.of(3, 6, 9, 12, 15, 18) },
  ]);
  expect(asked).toEqual([
    [2, 2],
    [2, 2],
  ]);
  asked.length = 0;
  runModel({ ...model, batch: undefined }, sample, ['twice']);
  expect(asked).toEqual([[3, 2]]);
});
