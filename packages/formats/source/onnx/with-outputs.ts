import { encodeMessage, message, text } from './protobuf.ts';

/**
 * Returns an ONNX model that also puts out some of its intermediate tensors. Messages of Protocol Buffers merge when they are joined
 * (https://protobuf.dev/programming-guides/encoding/#last-one-wins), so the model is not parsed.
 *
 * @param names of the tensors; they must not be outputs already
 */
export function withOutputs(model: Uint8Array, names: readonly string[]): Uint8Array {
  if (names.length === 0) return model;
  const more = encodeMessage(message(7, ...names.map((name) => message(12, text(1, name)))));
  const joined = new Uint8Array(model.length + more.length);
  joined.set(model);
  joined.set(more, model.length);
  return joined;
}
