/** What published weights are said to ask of a machine, against the shapes of their tensors. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openDecoder } from '../../../src/convert/architectures/registry.ts';
import { factsOfModel, factsOfSource } from '../../../src/convert/facts.ts';
import { catalogueEntry } from '../../../src/models/catalogue.ts';
import { DISK_BYTES, NO_WEIGHTS, weighed } from '../../../src/models/model-facts.ts';
import { familyGolden, writeFamilyCheckpoint } from '../../support/family-checkpoint.ts';
import { familyGguf } from '../../support/family-gguf.ts';
import { PUBLISHED_GLM, publishedGlm } from '../../support/published-glm.ts';
import { tempFolder } from '../../support/temp-folder.ts';

describe('facts of published weights', () => {
  let temp: string;
  beforeEach(() => {
    temp = tempFolder();
  });

  /** Weights of all tensors of layers whose name matches. */
  function weights(family: string, name: RegExp): number {
    const { tensors } = familyGolden(family);
    const layers = Number(familyGolden(family).config.num_hidden_layers);
    return Object.entries(tensors)
      .filter(([tensor, shape]) => shape.length > 1 && name.test(tensor))
      .filter(([tensor]) => Number(/layers\.(\d+)\./.exec(tensor)![1]) < layers)
      .reduce((sum, [, shape]) => sum + shape.reduce((a, b) => a * b), 0);
  }
  const MIXER = /self_attn\.[qkvo]_proj\.weight/;
  const UNIT = /mlp\.(gate|up|down)_proj/;

  for (const family of ['qwen2', 'qwen3', 'llama', 'qwen3_moe', 'olmoe', 'glm4_moe']) {
    it(`are the sizes of its matrices: ${family}`, async () => {
      const golden = familyGolden(family);
      await writeFamilyCheckpoint(join(temp, 'published'), golden);
      const { met, idle, head, kvBytes, layers } = await factsOfSource(join(temp, 'published'));
      const { config } = golden;
      const number = (key: string) => config[key] as number;
      const experts = weights(family, /mlp\.experts\./);
      const all = (config.num_local_experts ?? config.num_experts ?? config.n_routed_experts ?? 1) as number;
      const left = experts > 0 ? (experts * (all - number('num_experts_per_tok'))) / all : 0;
      const always = weights(family, UNIT) + weights(family, /shared_experts/);
      assert.deepEqual(idle, { ...NO_WEIGHTS, int4: left });
      assert.deepEqual(met, { ...NO_WEIGHTS, int4: always + experts - left, int8: weights(family, MIXER) });
      assert.equal(head.int4, number('vocab_size') * number('hidden_size'));
      const headDim =
        (config.head_dim as number | undefined) ?? number('hidden_size') / number('num_attention_heads');
      assert.equal(kvBytes, layers * 2 * 4 * number('num_key_value_heads') * headDim);
    });
  }

  it('are read of a GGUF too, and of nothing else', async () => {
    const file = join(temp, 'm.gguf');
    await writeFile(file, familyGguf(familyGolden('llama'), []));
    assert.equal((await factsOfSource(file)).met.int4, weights('llama', UNIT));
    await writeFile(file, 'no weights at all');
    await assert.rejects(factsOfSource(file), { code: 'format-invalid' });
  });
});

describe('facts in the catalogue', () => {
  for (const id of PUBLISHED_GLM) {
    it(`are those of the published weights: ${id}`, async () => {
      const { facts, sizeBytes, architecture } = catalogueEntry(id);
      const checkpoint = publishedGlm(id);
      const model = await openDecoder(checkpoint);
      assert.equal(model.architecture, architecture);
      assert.deepEqual(await factsOfModel(model, facts.diskBytes), facts);
      assert.ok(Math.abs(sizeBytes / checkpoint.sizeBytes - 1) < 1e-3, `${checkpoint.sizeBytes}`);

      const { met, head, idle, drafter } = facts;
      const weights = [met, head, idle, drafter].reduce((sum, one) => sum + weighed(one, DISK_BYTES), 0);
      // Both tables of embeddings, whose rows are read one by one; float32 routers and tables of positions are smaller still.
      const tables = 2 * head.int4 * DISK_BYTES.int8;
      const share = facts.diskBytes / (weights + tables);
      assert.ok(share > 1 && share < 1.02, `${share} of ${weights + tables}`);
    });
  }
});
