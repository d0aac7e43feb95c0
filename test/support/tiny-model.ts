/** A tiny random Qwen2-like decoder for tests of graphs: dims of a toy, float32 weights from a seed. */

import { Config } from '../../src/convert/config.ts';
import { GraphWriter, type WeightForm } from '../../src/convert/graph/linear.ts';
import { carvedExperts, type ExpertWeights, fusedExperts } from '../../src/convert/graph/moe-block.ts';
import { type LayerSource, transformer } from '../../src/convert/graph/transformer.ts';
import { ropeOf } from '../../src/convert/rope.ts';
import { memoryMatrix, pickColumns, pickRows, stacked } from '../../src/convert/weights.ts';
import { ExternalDataWriter, OnnxBuilder } from '../../src/formats/onnx.ts';
import type { ModelDims } from '../../src/models/manifest.ts';

export const TINY: ModelDims = {
  layers: 2,
  hidden: 32,
  heads: 4,
  kvHeads: 2,
  headDim: 8,
  vocab: 64,
  feedForward: 48,
  trainedContext: 64,
  ropeTheta: 10_000,
  rmsEpsilon: 1e-6,
};
const SHARED = 16;
const ROUTED = 4;

/** Deterministic uniform numbers in [-1, 1) (mulberry32). */
export function random(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2147483648 - 1;
  };
}

/** Writes `<folder>/<kind>.onnx` and `.data`; the same seed gives the same weights in both kinds. */
export async function writeTinyGraph(
  folder: string,
  kind: 'body' | 'routed',
  seed = 1,
  dims = TINY,
  taps: readonly number[] = [],
  form: WeightForm = { kind: 'f32' },
): Promise<string> {
  const next = random(seed);
  const { hidden, heads, kvHeads, headDim, feedForward, layers } = dims;
  const array = (size: number, scale: number) => Float32Array.from({ length: size }, () => next() * scale);
  const matrix = (rows: number, cols: number) => memoryMatrix(array(rows * cols, 1 / Math.sqrt(cols)), cols);
  const weights = Array.from({ length: layers }, () => ({
    mixerNorm: array(hidden, 1),
    mixer: {
      kind: 'grouped' as const,
      query: matrix(heads * headDim, hidden),
      key: matrix(kvHeads * headDim, hidden),
      value: matrix(kvHeads * headDim, hidden),
      biases: {
        query: array(heads * headDim, 1),
        key: array(kvHeads * headDim, 1),
        value: array(kvHeads * headDim, 1),
      },
      output: matrix(hidden, heads * headDim),
      outputBias: null,
      norms: null,
      scale: 1 / Math.sqrt(headDim),
      sinks: null,
      isWindowed: false,
    },
    feedForwardNorm: array(hidden, 1),
    gate: array(feedForward * hidden, 0.3),
    up: array(feedForward * hidden, 0.3),
    down: array(hidden * feedForward, 0.3),
    router: { weight: array(hidden * ROUTED, 1), bias: array(ROUTED, 1) },
  }));
  const expert = (layer: number, from: number, to: number): ExpertWeights => {
    const { gate, up, down } = weights[layer]!;
    const neurons = Array.from({ length: to - from }, (_, i) => (7 * (from + i)) % feedForward);
    const rows = (values: Float32Array) => memoryMatrix(pickRows(values, hidden, neurons), hidden);
    return {
      gateUp: stacked([rows(gate), rows(up)]),
      down: memoryMatrix(pickColumns(down, feedForward, neurons), neurons.length),
    };
  };
  const forms = { gateUp: form, down: form };
  const source: LayerSource = {
    dims,
    rope: ropeOf(new Config({ rope_theta: dims.ropeTheta }, 'test'), headDim),
    layer: async index => weights[index]!,
    mixerForm: form,
    feedForward: (graph, index, name, x) => {
      if (kind === 'body') return fusedExperts(graph, name, x, expert(index, 0, feedForward), forms);
      const size = (feedForward - SHARED) / ROUTED;
      const routed = Array.from({ length: ROUTED }, (_, e) =>
        expert(index, SHARED + e * size, SHARED + (e + 1) * size),
      );
      const { router } = weights[index]!;
      const both = { shared: forms, routed: forms };
      const k = graph.node('Gather', ['k', graph.ints([index])], `${name}.k`, { axis: 0 });
      return carvedExperts(graph, name, x, k, hidden, router, expert(index, 0, SHARED), routed, both);
    },
  };
  const builder = new OnnxBuilder(kind, { name: 'test', version: '0' });
  const data = await ExternalDataWriter.create(`${folder}/${kind}.data`);
  await transformer(new GraphWriter(builder, data, () => {}), source, { isRouted: kind === 'routed', taps });
  await data.close();
  await builder.write(`${folder}/${kind}.onnx`);
  return `${folder}/${kind}.onnx`;
}
