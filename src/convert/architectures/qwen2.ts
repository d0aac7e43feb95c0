/** Qwen2 (dense) in GGUF: dims, tensor names, special tokens. Names as llama.cpp's converter writes them. */
import { MoebiusError } from '../../base/errors.ts';
import type { GgufFile } from '../../formats/gguf.ts';
import type { ModelDims } from '../../models/manifest.ts';
import type { LayerWeights } from '../graph/transformer.ts';
import { ggufMatrix, type MatrixSource } from '../weights.ts';

/** A dense decoder as convert sees it. */
export interface DenseModel {
  architecture: string;
  dims: ModelDims;
  embedding: MatrixSource;
  /** Output projection; the embedding itself where they are tied. */
  head: MatrixSource;
  isTied: boolean;
  finalNorm(): Promise<Float32Array>;
  attention(layer: number): Promise<LayerWeights>;
  gate(layer: number): MatrixSource;
  up(layer: number): MatrixSource;
  down(layer: number): MatrixSource;
}

export function qwen2(gguf: GgufFile): DenseModel {
  const number = (key: string) => gguf.getNumber(`qwen2.${key}`);
  const hidden = number('embedding_length');
  const heads = number('attention.head_count');
  const kvHeads = number('attention.head_count_kv');
  const embedding = ggufMatrix(gguf, 'token_embd.weight');
  const isTied = !gguf.tensors.has('output.weight');
  const dims: ModelDims = {
    layers: number('block_count'),
    hidden,
    heads,
    kvHeads,
    headDim: hidden / heads,
    vocab: embedding.rows,
    feedForward: number('feed_forward_length'),
    trainedContext: number('context_length'),
    ropeTheta: number('rope.freq_base'),
    rmsEpsilon: number('attention.layer_norm_rms_epsilon'),
  };
  checkDims(dims);
  const matrix = (layer: number, part: string) => ggufMatrix(gguf, `blk.${layer}.${part}.weight`);
  const vector = (name: string) => gguf.readTensorF32(name);
  return {
    architecture: 'qwen2',
    dims,
    embedding,
    head: isTied ? embedding : ggufMatrix(gguf, 'output.weight'),
    isTied,
    finalNorm: () => vector('output_norm.weight'),
    attention: async layer => ({
      attentionNorm: await vector(`blk.${layer}.attn_norm.weight`),
      query: matrix(layer, 'attn_q'),
      key: matrix(layer, 'attn_k'),
      value: matrix(layer, 'attn_v'),
      biases: {
        query: await vector(`blk.${layer}.attn_q.bias`),
        key: await vector(`blk.${layer}.attn_k.bias`),
        value: await vector(`blk.${layer}.attn_v.bias`),
      },
      output: matrix(layer, 'attn_output'),
      feedForwardNorm: await vector(`blk.${layer}.ffn_norm.weight`),
    }),
    gate: layer => matrix(layer, 'ffn_gate'),
    up: layer => matrix(layer, 'ffn_up'),
    down: layer => matrix(layer, 'ffn_down'),
  };
}

function checkDims(dims: ModelDims): void {
  for (const [name, value] of Object.entries(dims)) {
    if (!(value > 0)) throw new MoebiusError('model-invalid', `The model file says ${name} is ${value}.`);
  }
  const { hidden, heads, kvHeads, headDim } = dims;
  if (!Number.isInteger(headDim) || headDim % 2 || heads % kvHeads || hidden % 32) {
    throw new MoebiusError(
      'unsupported',
      `The model's attention has ${heads} heads, ${kvHeads} key/value heads and ${hidden} channels, which this version cannot run.`,
    );
  }
}
