import type { Initializer, Net } from '@distillery/engine';
import { zero } from './convolution.ts';

/**
 * The initial weights of transformers, N(0, 0.02²). ViT code truncates them at ±2, which is a hundred standard
 * deviations (arXiv:2012.12877); BERT truncates at two standard deviations (arXiv:1810.04805).
 */
export const small: Initializer = { type: 'normal', deviation: 0.02 };

export interface EncoderOptions<T> {
  depth: number;
  heads: number;
  /** Units of the hidden layer of each MLP, as a multiple of the width. */
  mlpRatio: number;
  dropout: number;
  /** The place of LayerNorm: before attention and MLP, as in ViT, or after each sum, as in BERT. */
  norm: 'pre' | 'post';
  /** The ε of LayerNorm: 1e-6 in ViT, 1e-12 in BERT. */
  epsilon: number;
  /** `[tokens]`, 1 for a token and 0 for padding. */
  mask?: T;
}

/**
 * The encoder of a transformer: blocks of attention and a two-layer MLP (Vaswani et al., 2017, arXiv:1706.03762), with
 * the parameter names of ViT code (`blocks.0.attn.qkv.weight`). With `norm: 'pre'` the caller must normalise the
 * result.
 *
 * Taps of layer i, counted from 1: `attention<i>` (scores before the softmax, `[heads, tokens, tokens]`), `queries<i>`,
 * `keys<i>`, `values<i>` and `hidden<i>` (the output of the layer), each `[tokens, width]`.
 *
 * @param x `[tokens, width]`
 * @returns `[tokens, width]`
 */
export function encoder<T>(net: Net<T>, x: T, options: EncoderOptions<T>): T {
  let y = x;
  for (let layer = 1; layer <= options.depth; layer++)
    y = net.tap(`hidden${layer}`, block(net, y, layer, options));
  return y;
}

function block<T>(net: Net<T>, x: T, layer: number, options: EncoderOptions<T>): T {
  const name = `blocks.${layer - 1}`;
  const norm = (part: string, y: T) => net.layerNorm(`${name}.${part}`, y, { epsilon: options.epsilon });
  const attend = (y: T) => attention(net, y, layer, options);
  const transform = (y: T) => mlp(net, `${name}.mlp`, y, options);
  if (options.norm === 'post') {
    const y = norm('norm1', net.add(x, attend(x)));
    return norm('norm2', net.add(y, transform(y)));
  }
  const y = net.add(x, attend(norm('norm1', x)));
  return net.add(y, transform(norm('norm2', y)));
}

function attention<T>(net: Net<T>, x: T, layer: number, { heads, mask, dropout }: EncoderOptions<T>): T {
  const name = `blocks.${layer - 1}.attn`;
  const [, width] = net.shape(x);
  const projected = linear(net, `${name}.qkv`, x, 3 * width);
  const [q, k, v] = ['queries', 'keys', 'values'].map((part, i) =>
    net.tap(`${part}${layer}`, net.slice(projected, { from: i * width, to: (i + 1) * width })),
  );
  const masked = mask === undefined ? {} : { mask };
  const { output, scores } = net.attention(name, q, k, v, { heads, dropout, ...masked });
  net.tap(`attention${layer}`, scores);
  return net.dropout(`${name}.proj`, linear(net, `${name}.proj`, output, width), dropout);
}

function mlp<T>(net: Net<T>, name: string, x: T, { mlpRatio, dropout }: EncoderOptions<T>): T {
  const [, width] = net.shape(x);
  const inner = net.gelu(linear(net, `${name}.fc1`, x, Math.round(mlpRatio * width)));
  const outer = linear(net, `${name}.fc2`, net.dropout(`${name}.fc1`, inner, dropout), width);
  return net.dropout(`${name}.fc2`, outer, dropout);
}

/** A linear layer with the initial weights of transformers and a bias of zeros. */
export function linear<T>(net: Net<T>, name: string, x: T, out: number): T {
  return net.linear(name, x, { out, initialWeight: small, initialBias: zero });
}
