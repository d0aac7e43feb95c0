/** What a manifest says of the work that its model is. */
import assert from 'node:assert/strict';
import { catalogueEntry, defaultModel } from '../../../src/models/catalogue.ts';
import type { Manifest } from '../../../src/models/manifest.ts';
import { DISK_BYTES, factsIn, factsOf, NO_WEIGHTS } from '../../../src/models/model-facts.ts';
import { manifestOf } from './converted-model.ts';

const DIMS = {
  layers: 10,
  hidden: 1024,
  heads: 8,
  kvHeads: 2,
  headDim: 128,
  vocab: 50_000,
  feedForward: 4096,
  trainedContext: 2048,
  ropeTheta: 1e6,
  rmsEpsilon: 1e-6,
};
const ATTENTION = 10 * 1024 * 128 * (2 * 8 + 2 * 2);
const FEED_FORWARD = 10 * 3 * 1024 * 4096;
const CARVED: Manifest['experts'] = {
  ...{ kind: 'carved', sharedNeurons: 2880, routed: 19, routedNeurons: 320 },
  levels: { balanced: { readK: 6, writeK: null, exactTail: 256, exactHead: 4, tailNll: 0.0092 } },
};
const ROPE_BYTES = 2048 * 128 * 4;

function manifest(
  variant: Manifest['variant'],
  bodyBytes: number,
  experts: Manifest['experts'] = null,
): Manifest {
  const base = manifestOf('m', variant);
  return {
    ...base,
    dims: DIMS,
    experts,
    files: { ...base.files, 'body.data': { sha256: 'a'.repeat(64), sizeBytes: Math.round(bodyBytes) } },
  };
}
const near = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) <= expected * 1e-3, `${actual} is not ${expected}`);

describe('models: model facts', () => {
  it('tells 4-bit weights with minima from 8-bit ones by the size of the file', () => {
    const bytes = ROPE_BYTES + ATTENTION * DISK_BYTES.int8 + FEED_FORWARD * DISK_BYTES.int4min;
    const { met, head, idle, kvBytes } = factsOf(manifest('int4', bytes));
    near(met.int4min, FEED_FORWARD);
    near(met.int8, ATTENTION);
    assert.deepEqual(head, { ...NO_WEIGHTS, int4: 1024 * 50_000 });
    assert.deepEqual([idle.int4 + idle.int8, kvBytes], [0, 10 * 2 * 2 * 128 * 4]);
  });

  it('has one form in the other variants', () => {
    const all = ATTENTION + FEED_FORWARD;
    const codes = { ...manifest('int8', 0), products: 'codes' as const };
    assert.deepEqual(factsOf(codes).met, { ...NO_WEIGHTS, w8a8: all });
    const blocks = { ...codes, products: 'blocks' as const };
    assert.deepEqual(factsOf(blocks).met, { ...NO_WEIGHTS, int8: all });
    assert.deepEqual(factsOf(manifest('fp32', 0)).met, { ...NO_WEIGHTS, f32: all });
    assert.deepEqual(factsOf(manifest('fp32', 0)).head, { ...NO_WEIGHTS, f32: 1024 * 50_000 });
  });

  it('are the same before a model is added and after, in every variant', () => {
    const { architecture, facts } = defaultModel();
    const dims = { ...DIMS, layers: 28, hidden: 1536, heads: 12, kvHeads: 2, headDim: 128 };
    const ofDefault = { ...dims, vocab: 151_936, feedForward: 8960, trainedContext: 32_768 };
    for (const variant of ['int4', 'int8', 'fp32'] as const) {
      const bytes =
        32_768 * 128 * 4 + facts.met.int4min * DISK_BYTES.int4min + facts.met.int8 * DISK_BYTES.int8;
      const drafterBytes = facts.drafter.int4 * (variant === 'fp32' ? DISK_BYTES.f32 : DISK_BYTES.int4);
      const { files, graphs, ...whole } = manifest(variant, bytes, CARVED);
      const installed = factsOf({
        ...{ ...whole, architecture, dims: ofDefault },
        ...(variant === 'int8' && { products: 'codes' }),
        graphs: {
          ...graphs,
          routed: variant === 'fp32' ? null : graphs.body,
          drafter: { onnx: 'drafter.onnx', data: 'drafter.data', readsPrompt: false },
        },
        files: { ...files, 'drafter.data': { sha256: 'a'.repeat(64), sizeBytes: drafterBytes } },
      });
      const added = factsIn(facts, variant);
      for (const part of ['met', 'head', 'idle', 'drafter', 'sparse'] as const)
        for (const [form, count] of Object.entries(added[part]))
          near(installed[part][form as keyof typeof NO_WEIGHTS], count);
    }
  });

  it('counts the experts that a token of a trained model leaves out apart', () => {
    const expert = 10 * 3 * 1024 * 512;
    const bytes = ROPE_BYTES + ATTENTION * DISK_BYTES.int8 + 16 * expert * DISK_BYTES.int4;
    const experts = {
      kind: 'trained',
      sharedNeurons: 0,
      routed: 16,
      routedNeurons: 512,
      perToken: 4,
      levels: {},
    } as const;
    const repository = {
      ...manifest('int4', bytes, experts),
      source: { file: 'a-model', sha256: 'a'.repeat(64), sizeBytes: 1 },
    };
    const { met, idle } = factsOf(repository);
    assert.deepEqual(idle, { ...NO_WEIGHTS, int4: 12 * expert });
    near(met.int4, 4 * expert);
    near(met.int8, ATTENTION);
    const gguf = ROPE_BYTES + ATTENTION * DISK_BYTES.int8 + 16 * expert * DISK_BYTES.int4min;
    near(factsOf(manifest('int4', gguf, experts)).idle.int4min, 12 * expert);
    const eight = factsOf(manifest('int8', 0, experts));
    assert.deepEqual(eight.idle, { ...NO_WEIGHTS, w8a8: 12 * expert });
    assert.deepEqual(eight.met, { ...NO_WEIGHTS, w8a8: 4 * expert + ATTENTION });
  });

  it('has what the catalogue knows of a model whose layers are not alike', () => {
    const { facts, parameters } = catalogueEntry('lfm2-8b-a1b');
    const lfm2 = (variant: Manifest['variant'], file = 'lfm2-8b-a1b'): Manifest => ({
      ...manifest(variant, 1000),
      ...{ id: 'a-folder-of-it', architecture: 'lfm2_moe', parameters },
      dims: { ...DIMS, layers: 24, hidden: 2048, vocab: 65_536 },
      source: { file, sha256: 'a'.repeat(64), sizeBytes: 1 },
    });
    const { diskBytes, ...four } = factsOf(lfm2('int4'));
    assert.deepEqual({ ...four, diskBytes: facts.diskBytes }, facts);
    assert.notEqual(diskBytes, facts.diskBytes);
    const all = facts.met.int4 + facts.met.int8;
    assert.deepEqual(factsOf(lfm2('int8')).met, { ...NO_WEIGHTS, w8a8: all });
    assert.deepEqual(factsOf(lfm2('fp32')).met, { ...NO_WEIGHTS, f32: all });
    assert.notEqual(factsOf(lfm2('int4', 'lfm2.gguf')).kvBytes, facts.kvBytes);
    const smaller = { ...lfm2('int4'), parameters: 0.75 * parameters };
    assert.notEqual(factsOf(smaller).kvBytes, facts.kvBytes, 'some of its experts were taken out');
  });
});
