/** `moebius carve` on every dense architecture: with all experts the carved model is the one that it was made of. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { carve } from '../../../src/convert/carve/carve.ts';
import { convertModel } from '../../../src/convert/convert.ts';
import type { KvBlock } from '../../../src/engine/kv-pages.ts';
import { ModelRunner } from '../../../src/engine/session/model-runner.ts';
import { OnnxTensorMath } from '../../../src/engine/session/tensor-math.ts';
import type { ExpertsPerToken } from '../../../src/models/manifest.ts';
import { type FamilyGolden, familyGolden, writeFamilyCheckpoint } from '../../support/family-checkpoint.ts';
import { random } from '../../support/tiny-model.ts';

const NEURONS = 256;
const GROUPS = 4;

/** With a feed-forward part that is wide enough to be split. */
function widened(name: string): FamilyGolden {
  const golden = familyGolden(name);
  const width = golden.config.intermediate_size;
  const tensors = Object.entries(golden.tensors).map(([tensor, shape]) => [
    tensor,
    tensor.includes('.mlp.') ? shape.map(size => (size === width ? NEURONS : size)) : shape,
  ]);
  const config = { ...golden.config, intermediate_size: NEURONS };
  return { ...golden, config, tensors: Object.fromEntries(tensors) };
}

describe('convert/carve: dense architectures', function () {
  this.timeout(60_000);
  let folder: string;
  let math: OnnxTensorMath;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'moebius-carve-'));
    math = await OnnxTensorMath.create(1);
    await mkdir(join(folder, 'corpus'));
    const next = random(2);
    const text = Array.from({ length: 1200 }, () => String.fromCharCode(64 + 60 * next())).join('');
    await writeFile(join(folder, 'corpus', 'a.py'), text);
  });
  after(async () => {
    await math.dispose();
    await rm(folder, { recursive: true });
  });

  for (const [name, shared] of [
    ...['qwen2', 'qwen3', 'llama', 'llama-linear'].map(name => [name, 1] as const),
    ['qwen3', 0] as const,
  ]) {
    it(`${name}, ${shared} shared: is the dense model with all experts, fused or routed, and says what it was made from`, async () => {
      const golden = widened(name);
      const experts = GROUPS - shared;
      const source = join(folder, `${name}-${shared}`);
      const carvingFolder = `${source}-carving`;
      await writeFamilyCheckpoint(source, golden);
      await carve({
        ...{ source, id: name, corpus: join(folder, 'corpus'), tokens: 1024, seed: 0, math },
        ...{ groups: GROUPS, sharedGroups: shared, outFolder: carvingFolder },
        tokenize: part => [...part].map(char => char.charCodeAt(0) % (golden.config.vocab_size as number)),
      });
      const report = JSON.parse(await readFile(join(carvingFolder, 'carving.json'), 'utf8'));
      assert.deepEqual([report.model, report.routed, report.calibration.tokens], [name, experts, 1024]);

      const run = async (carving: string | null, used: ExpertsPerToken | null) => {
        const out = `${source}-${carving ? 'carved' : 'dense'}`;
        const manifest = await convertModel({
          ...{ source, sourceSha256: '0'.repeat(64), id: name, name, license: 'MIT', variant: 'int8' },
          ...{ carvingFolder: carving, drafterFolder: null, outFolder: out },
        });
        const load = { folder: out, manifest, contextTokens: 64, threads: 1, packed: null };
        const runner = await ModelRunner.load(load, () => {});
        try {
          const { tokens } = golden;
          const args = { sequence: 1, at: 0, tokens, logitRows: tokens.length, draftAbove: null };
          const { logits } = await runner.forward({ ...args, experts: used });
          return { logits: logits!, kept: runner.exportRows({ sequence: 1, from: 0, to: tokens.length }) };
        } finally {
          await runner.release();
        }
      };
      const { logits: dense } = await run(null, null);
      const size = Math.hypot(...dense);
      /** Difference to the dense model, as a share of it. */
      const apart = (other: Float32Array) => Math.hypot(...dense.map((value, i) => value - other[i]!)) / size;
      // Both are rounded to 8 bits, each in its own order of neurons.
      const [fused, all, one] = [
        apart((await run(carvingFolder, null)).logits),
        apart((await run(carvingFolder, experts)).logits),
        apart((await run(carvingFolder, 1)).logits),
      ];
      assert.ok(fused < 0.05 && all < 0.05, `${fused}, ${all}`);
      assert.ok(one > 2 * all, `${one}: fewer experts compute something else`);

      // The second layer keeps what the first one's experts made of the tokens, the third what the second's did.
      const [few, some, many] = [
        await run(carvingFolder, 1),
        await run(carvingFolder, [1, experts, 1]),
        await run(carvingFolder, experts),
      ];
      const keptBy = (layer: number, { kept }: { kept: KvBlock[] }) =>
        kept.filter(({ name }) => name.endsWith(`.${layer}`));
      assert.deepEqual(keptBy(1, some), keptBy(1, few));
      assert.notDeepEqual(keptBy(1, some), keptBy(1, many));
      assert.notDeepEqual(keptBy(2, some), keptBy(2, few));
      assert.deepEqual((await run(carvingFolder, [1, 1, 1])).logits, few.logits);
    });
  }
});
