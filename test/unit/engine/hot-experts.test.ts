/** Which experts tokens go to is counted, and of a packed graph the bytes of those that most went to are read ahead. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { convertModel } from '../../../src/convert/convert.ts';
import { type ExpertHistogram, hottestRanges, readRanges, warmUp } from '../../../src/engine/hot-experts.ts';
import { ModelRunner } from '../../../src/engine/session/model-runner.ts';
import { packGraphs } from '../../../src/engine/session/pack-graphs.ts';
import { stopFlag } from '../../../src/engine/session/stop-flag.ts';
import { packedWeights } from '../../../src/formats/onnx-packed.ts';
import type { Manifest } from '../../../src/models/manifest.ts';
import { familyGolden, writeFamilyCheckpoint } from '../../support/family-checkpoint.ts';

const golden = familyGolden('glm4_moe');
const { tokens } = golden;
const dense = golden.config.first_k_dense_replace as number;
const experts = golden.config.n_routed_experts as number;
const perToken = golden.config.num_experts_per_tok as number;
const layers = golden.config.num_hidden_layers as number;

describe('hot experts', function () {
  this.timeout(60_000);
  let folder: string;
  let packed: string;
  let manifest: Manifest;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'moebius-experts-'));
    packed = join(folder, 'packed');
    await writeFamilyCheckpoint(join(folder, 'published'), golden);
    manifest = await convertModel({
      ...{ source: join(folder, 'published'), sourceSha256: '0'.repeat(64), id: 'tiny', name: 'Tiny' },
      ...{
        license: 'MIT',
        variant: 'int4',
        carvingFolder: null,
        drafterFolder: null,
        outFolder: join(folder, 'm'),
      },
    });
    await mkdir(packed);
    const load = { folder: join(folder, 'm'), manifest, contextTokens: 64, threads: 1, packed: null };
    await packGraphs({ ...load, outFolder: packed, stop: stopFlag(undefined) });
  });
  after(() => rm(folder, { recursive: true, force: true }));

  async function met(runs: number[][], isPacked = false): Promise<ExpertHistogram> {
    const load = { folder: join(folder, 'm'), manifest, contextTokens: 64, threads: 1 };
    const runner = await ModelRunner.load({ ...load, packed: isPacked ? packed : null }, () => {});
    try {
      let at = 0;
      for (const run of runs) {
        await runner.forward({
          ...{ sequence: 1, at, tokens: run, experts: null, logitRows: run.length, draftAbove: null },
        });
        at += run.length;
      }
      return runner.expertHistogram();
    } finally {
      await runner.release();
    }
  }
  const total = (histogram: ExpertHistogram) =>
    histogram.map(one => one.tokens.reduce((sum, count) => sum + count, 0));

  it('counts every token as often as it goes to an expert, in each layer that has some', async () => {
    const [whole, one] = [await met([tokens]), await met([tokens.slice(0, 1)])];
    assert.deepEqual(
      whole.map(({ layer, tokens: counts }) => [layer, counts.length]),
      Array.from({ length: layers - dense }, (_, i) => [dense + i, experts]),
    );
    assert.deepEqual(
      total(whole),
      whole.map(() => tokens.length * perToken),
    );
    for (const { tokens: counts } of one)
      assert.deepEqual(
        counts.filter(count => count > 0),
        Array(perToken).fill(1),
      );
  });

  it('counts runs together, packed or not', async () => {
    const parts = [tokens.slice(0, 5), tokens.slice(5)];
    assert.deepEqual(total(await met(parts, true)), total(await met([tokens])));
  });

  it('finds where the hottest lie, as many as fit', async () => {
    const onnx = join(packed, 'body.onnx');
    const weights = await packedWeights(onnx);
    const rangesOf = (layer: number, expert: number) =>
      ['gate_up', 'down'].map(matrix => weights.get(`ffn.${layer}.${matrix}.${expert}.weight`)!);
    const histogram = [
      { layer: dense, tokens: Array.from({ length: experts }, (_, e) => (e === 2 ? 0 : 10 - e)) },
    ];
    const one = rangesOf(dense, 0).reduce((sum, { length }) => sum + length, 0);
    assert.ok(one > 0);
    const expected = (...chosen: number[]) =>
      chosen.flatMap(expert => rangesOf(dense, expert)).sort((a, b) => a.offset - b.offset);
    assert.deepEqual(await hottestRanges(onnx, histogram, one), expected(0));
    assert.deepEqual(await hottestRanges(onnx, histogram, 2.5 * one), expected(0, 1));
    assert.deepEqual(await hottestRanges(onnx, histogram, 3 * one), expected(0, 1, 3));
    assert.deepEqual(await hottestRanges(onnx, histogram, one - 1), []);
    const unknown = [
      { layer: 99, tokens: [1] },
      { layer: dense, tokens: Array(experts + 9).fill(1) },
    ];
    const all = await hottestRanges(onnx, unknown, Number.POSITIVE_INFINITY);
    assert.deepEqual(all, expected(...Array.from({ length: experts }, (_, e) => e)));
    await warmUp({ onnx, data: join(packed, 'body.data') }, histogram, 1e9, new AbortController().signal);
  });

  it('reads those bytes and no others, in pieces, and stops when it is told to', async () => {
    const abort = new AbortController();
    const read: [number, number][] = [];
    const file = {
      async read(_: Uint8Array, from: number, length: number, position: number) {
        assert.equal(from, 0);
        read.push([position, length]);
        if (position === 100_000_000) abort.abort();
      },
    } as unknown as Parameters<typeof readRanges>[0];
    const megabytes = 1024 * 1024;
    const ranges = [
      { offset: 10, length: 4 * megabytes + 5 },
      { offset: 100_000_000, length: 7 },
      { offset: 200_000_000, length: 7 },
    ];
    await readRanges(file, ranges, abort.signal);
    assert.deepEqual(read, [
      [10, 4 * megabytes],
      [10 + 4 * megabytes, 5],
      [100_000_000, 7],
    ]);
  });
});
