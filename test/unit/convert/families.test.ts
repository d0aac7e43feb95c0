import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDecoder } from '../../../src/convert/architectures/registry.ts';
import { openCheckpoint } from '../../../src/convert/checkpoint.ts';
import { Config } from '../../../src/convert/config.ts';
import { assertConvertible, convertModel } from '../../../src/convert/convert.ts';
import { ropeOf } from '../../../src/convert/rope.ts';
import { ModelRunner } from '../../../src/engine/session/model-runner.ts';
import { mxfp4Values } from '../../../src/formats/mxfp4.ts';
import { readManifest } from '../../../src/models/manifest-file.ts';
import type { ModelVariant } from '../../../src/protocol/daemon.ts';
import { familyGolden, writeFamilyCheckpoint } from '../../support/family-checkpoint.ts';
import { familyGguf } from '../../support/family-gguf.ts';
import { entry, floatEntry } from '../../support/gguf-bytes.ts';
import { floatTensor } from '../../support/safetensors-file.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { tinyTokenizerJson } from '../../support/tiny-tokenizer.ts';

const NAMES = readdirSync(new URL('../../fixtures/families/', import.meta.url)).map(name =>
  name.replace('.json', ''),
);

async function loadConverted(source: string, outFolder: string, variant: ModelVariant): Promise<ModelRunner> {
  const manifest = await convertModel({
    source,
    sourceSha256: '0'.repeat(64),
    id: 'tiny',
    name: 'Tiny',
    license: 'MIT',
    variant,
    carvingFolder: null,
    drafterFolder: null,
    outFolder,
  });
  return ModelRunner.load(
    { folder: outFolder, manifest, contextTokens: 64, threads: 1, packed: null },
    () => {},
  );
}

/** Logits after every token, read in runs of the given lengths. */
async function logitsOf(runner: ModelRunner, sequence: number, tokens: number[], runs: number[]) {
  const rows: number[][] = [];
  let at = 0;
  for (const count of runs) {
    const { logits } = await runner.forward({
      sequence,
      at,
      tokens: tokens.slice(at, at + count),
      experts: null,
      logitRows: count,
      draftAbove: null,
    });
    const vocab = logits!.length / count;
    for (let i = 0; i < count; i++) rows.push([...logits!.subarray(i * vocab, (i + 1) * vocab)]);
    at += count;
  }
  return rows;
}

function worst(actual: number[][], expected: number[][]): number {
  assert.equal(actual.length, expected.length);
  return Math.max(...actual.map((row, i) => Math.max(...row.map((v, j) => Math.abs(v - expected[i]![j]!)))));
}

/** Root of the mean squared difference over that of the expected values. */
function relativeError(actual: number[][], expected: number[][]): number {
  const square = (rows: number[][]) => rows.flat().reduce((sum, v) => sum + v * v, 0);
  return Math.sqrt(
    square(actual.map((row, i) => row.map((v, j) => v - expected[i]![j]!))) / square(expected),
  );
}

for (const name of NAMES) {
  describe(`architecture ${name}`, () => {
    const golden = familyGolden(name);
    const { tokens } = golden;
    let folder: string;
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'moebius-family-'));
      await writeFamilyCheckpoint(join(folder, 'published'), golden);
    });
    after(() => rm(folder, { recursive: true }));

    const load = (variant: ModelVariant) =>
      loadConverted(join(folder, 'published'), join(folder, variant), variant);

    it("has the reference's logits, read at once, in pieces, token by token and after going back", async () => {
      const runner = await load('fp32');
      try {
        const ones = tokens.map(() => 1);
        for (const [sequence, runs] of [[tokens.length], [3, 1, 6, 4], ones].entries()) {
          const difference = worst(await logitsOf(runner, sequence, tokens, runs), golden.logits);
          assert.ok(difference < 1e-4, `${difference} in runs of ${runs}`);
        }
        // A draft that was wrong, and a message that was edited.
        await logitsOf(runner, 3, [...tokens.slice(0, 5), 9, 8, 7, 6], [9]);
        const { logits } = await runner.forward({
          sequence: 3,
          at: 5,
          tokens: tokens.slice(5),
          experts: null,
          logitRows: 1,
          draftAbove: null,
        });
        const difference = worst([[...logits!]], [golden.logits.at(-1)!]);
        assert.ok(difference < 1e-4, `${difference} after going back`);
      } finally {
        await runner.release();
      }
    });

    it('says how many of its experts a token goes to', async () => {
      await (await load('fp32')).release();
      const { experts } = await readManifest(join(folder, 'fp32'));
      assert.equal(experts?.perToken, golden.config.num_experts_per_tok);
    });

    // Rounding weights to 4 bits moves a matrix by 7 % of its size, activations to 8 bits by 1 %; anything out of place moves
    // the logits by about their own size. In so small a model an expert chosen otherwise counts for a few percent.
    it('is within the error of its quantisers in 8 and 4 bits', async () => {
      for (const [variant, bound] of [
        ['int8', 0.1],
        ['int4', 0.25],
      ] as const) {
        const runner = await load(variant);
        try {
          const error = relativeError(await logitsOf(runner, 0, tokens, [tokens.length]), golden.logits);
          assert.ok(error < bound, `${variant}: ${error}`);
          const { products } = await readManifest(join(folder, variant));
          const expected = name === 'gpt_oss' ? 'mixed' : 'codes';
          assert.equal(products, variant === 'int8' ? expected : undefined);
        } finally {
          await runner.release();
        }
      }
    });
  });
}

for (const name of NAMES.filter(one => familyGolden(one).guesses)) {
  describe(`multi-token prediction of ${name}`, () => {
    const { tokens, guesses } = familyGolden(name);
    let folder: string;
    let runner: ModelRunner;
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'moebius-family-'));
      await writeFamilyCheckpoint(join(folder, 'published'), familyGolden(name));
      runner = await loadConverted(join(folder, 'published'), join(folder, 'fp32'), 'fp32');
    });
    after(async () => {
      await runner.release();
      await rm(folder, { recursive: true });
    });
    let sequence = 0;

    /** Runs one token at `at`; what was guessed to follow it, if that is likelier than `draftAbove`. */
    const step = async (at: number, token: number, draftAbove: number[] | null) =>
      (await runner.forward({ sequence, at, tokens: [token], experts: null, logitRows: 1, draftAbove }))
        .drafted;
    const read = (at: number, part: number[]) =>
      runner.forward({ sequence, at, tokens: part, experts: null, logitRows: 1, draftAbove: null });
    /** `margin` under the probability there is a guess, above it there is none. */
    async function assertGuess(at: number, margin: number) {
      const [token, probability] = guesses![at - 1]!;
      const drafted = await step(at, tokens[at]!, [probability - margin]);
      assert.deepEqual(drafted, margin > 0 ? [token] : [], `at ${at}`);
    }
    const MARGINS = [1e-4, -1e-4];

    it("guesses the reference's tokens with its probabilities, whether guesses are asked for or not", async () => {
      for (const margin of MARGINS) {
        sequence++;
        await step(0, tokens[0]!, null);
        for (const at of [1, 2]) await assertGuess(at, margin);
        await step(3, tokens[3]!, null);
        for (let at = 4; at < tokens.length; at++) await assertGuess(at, margin);
      }
    });

    it('reads along with a prompt in pieces', async () => {
      for (const margin of MARGINS) {
        sequence++;
        await read(0, tokens.slice(0, 5));
        await read(5, tokens.slice(5, 6));
        await read(6, tokens.slice(6, 11));
        for (let at = 11; at < tokens.length; at++) await assertGuess(at, margin);
      }
    });

    it('forgets what it read where saved rows of another text take its place', async () => {
      sequence++;
      const from = sequence;
      await read(0, tokens.slice(0, 8));
      const blocks = runner.exportRows({ sequence: from, from: 0, to: 8 });
      // How sure it is shows in whether it guesses.
      const guessed = new Map<number | null, number[][]>([[null, []]]);
      for (const other of [null, 3]) {
        guessed.set(other, []);
        for (let limit = 0.01; limit < 1; limit *= 1.3) {
          sequence++;
          for (const at of other === null ? [] : [0, 7]) await read(at, Array(7).fill(other));
          runner.importRows({ sequence, at: 0, rows: 8, blocks });
          for (const at of [8, 9, 10]) guessed.get(other)!.push(await step(at, tokens[at]!, [limit]));
        }
        assert.deepEqual(guessed.get(other), guessed.get(null));
      }
    });

    // The state before the edit is gone by then, so one row stays missing, which may change what is guessed.
    it('goes on guessing after an edited message, and the model is the same', async () => {
      sequence++;
      await read(0, tokens.slice(0, 10));
      await read(10, [5, 4, 3]);
      const { logits: wanted } = familyGolden(name);
      await read(4, tokens.slice(4, 12));
      for (const at of [12, 13]) {
        const { drafted, logits } = await runner.forward({
          ...{ sequence, at, tokens: [tokens[at]!], experts: null, logitRows: 1, draftAbove: [0] },
        });
        assert.equal(drafted.length, 1);
        const row = [...logits!.subarray(0, wanted[at]!.length)];
        assert.ok(worst([row], [wanted[at]!]) < 1e-4);
      }
    });
  });
}

describe('layers that see a window', () => {
  const { config } = familyGolden('qwen2-window');
  const { layer_types: _, ...older } = config;
  const mixture = 'qwen3_moe-window';
  for (const [what, settings, windowed, name = 'qwen2-window'] of [
    ['by their kinds', config, [false, true, true]],
    ['from the first one on, where no kinds are named', older, [false, true, true]],
    ['none in so shallow a model', { ...older, max_window_layers: 28 }, [false, false, false]],
    ['none where it is switched off', { ...config, use_sliding_window: false }, [false, false, false]],
    ['none where the window is null', { ...older, sliding_window: null }, [false, false, false]],
    [
      'none where the window of a mixture of experts is null',
      { ...familyGolden(mixture).config, sliding_window: null },
      [false, false],
      mixture,
    ],
  ] as const) {
    it(`are ${what}`, async () => {
      const source = join(tempFolder(), 'published');
      await writeFamilyCheckpoint(source, { ...familyGolden(name), config: settings });
      const checkpoint = await openCheckpoint(source);
      try {
        const { dims, layer } = await openDecoder(checkpoint);
        const mixers = await Promise.all(windowed.map(async (_, i) => (await layer(i)).mixer));
        assert.deepEqual(
          mixers.map(mixer => mixer.kind === 'grouped' && mixer.isWindowed),
          windowed,
        );
        assert.equal(dims.slidingWindow, windowed[1] ? 5 : undefined);
      } finally {
        await checkpoint.close();
      }
    });
  }
});

describe('a checkpoint whose tensors do not fit its settings', () => {
  it('is refused with the name of the tensor', async () => {
    const golden = familyGolden('qwen3_moe');
    const folder = await mkdtemp(join(tmpdir(), 'moebius-family-'));
    for (const [key, name] of [
      ['num_key_value_heads', 'k_proj'],
      ['hidden_size', 'q_proj'],
    ] as const) {
      const config = { ...golden.config, [key]: 2 * (golden.config[key] as number) };
      await writeFamilyCheckpoint(join(folder, key), { ...golden, config });
      const converting = loadConverted(join(folder, key), join(folder, 'out'), 'fp32');
      await assert.rejects(converting, { code: 'model-invalid', message: new RegExp(`${name}.weight is`) });
    }
    await rm(folder, { recursive: true });
  });
});

describe('a checkpoint that computes what the graphs do not', () => {
  for (const name of ['llama', 'qwen3_moe', 'lfm2_moe']) {
    it(`is refused: ${name} with biases in a feed-forward layer`, async () => {
      const golden = familyGolden(name);
      const folder = tempFolder();
      const weight = Object.keys(golden.tensors).find(one => /(up_proj|w3)\.weight$/.test(one))!;
      const bias = weight.replace('weight', 'bias');
      await writeFamilyCheckpoint(join(folder, 'published'), golden, all => {
        const [rows] = golden.tensors[weight]!;
        all[bias] = floatTensor([rows!], new Float32Array(rows!));
      });
      const converting = loadConverted(join(folder, 'published'), join(folder, 'out'), 'fp32');
      await assert.rejects(converting, { code: 'unsupported', message: new RegExp(`biases.*${bias}`) });
    });
  }

  it('is refused: another activation', async () => {
    const golden = familyGolden('qwen2');
    const folder = tempFolder();
    const config = { ...golden.config, hidden_act: 'gelu_pytorch_tanh' };
    await writeFamilyCheckpoint(join(folder, 'published'), { ...golden, config });
    const converting = loadConverted(join(folder, 'published'), join(folder, 'out'), 'fp32');
    await assert.rejects(converting, { code: 'unsupported', message: /gelu_pytorch_tanh/ });
  });

  for (const [what, settings] of [
    ['bitsandbytes', { quantization_config: { quant_method: 'bitsandbytes', load_in_4bit: true } }],
    ['MLX', { quantization: { bits: 4, group_size: 64 } }],
  ] as const) {
    it(`is refused: weights quantised by ${what}`, async () => {
      const golden = familyGolden('qwen2');
      const source = join(tempFolder(), 'published');
      await writeFamilyCheckpoint(source, { ...golden, config: { ...golden.config, ...settings } }, all => {
        for (const name of Object.keys(all).filter(one => one.endsWith('_proj.weight')))
          all[name] = { dtype: 'U32', shape: [64, 8], bytes: new Uint8Array(64 * 8 * 4) };
      });
      const message = new RegExp(`quantised by ${what}.*original weights or a GGUF`);
      await assert.rejects(assertConvertible(source), { code: 'unsupported', message });
    });
  }

  it('is taken with the settings of a quantisation that its tensors no longer have', async () => {
    const golden = familyGolden('qwen3');
    const source = join(tempFolder(), 'published');
    const config = { ...golden.config, quantization_config: { quant_method: 'bitsandbytes' } };
    await writeFamilyCheckpoint(source, { ...golden, config });
    await assertConvertible(source);
  });

  it('is refused: a tokenizer that the engine could not load', async () => {
    const folder = tempFolder();
    const source = join(folder, 'published');
    await writeFamilyCheckpoint(source, familyGolden('llama'));
    const json = { ...tinyTokenizerJson(), decoder: { type: 'ByteFallback' } };
    await writeFile(join(source, 'tokenizer.json'), JSON.stringify(json));
    await assert.rejects(loadConverted(source, join(folder, 'out'), 'fp32'), {
      code: 'unsupported',
      message: /byte-level/,
    });
    assert.deepEqual(await readdir(folder), ['published']);
  });
});

describe('experts and norms from GGUF', () => {
  for (const name of ['qwen3', 'qwen3_moe', 'olmoe', 'glm4_moe']) {
    it(`has the logits of the reference, and what guesses ahead: ${name}`, async () => {
      const golden = familyGolden(name);
      const folder = tempFolder({ 'm.gguf': familyGguf(golden) });
      const runner = await loadConverted(join(folder, 'm.gguf'), join(folder, 'out'), 'fp32');
      try {
        const { tokens } = golden;
        const difference = worst(await logitsOf(runner, 0, tokens, [tokens.length]), golden.logits);
        assert.ok(difference < 1e-4, `${difference}`);
        if (!golden.guesses) return;
        const run = { sequence: 1, experts: null, logitRows: 1 };
        await runner.forward({ ...run, at: 0, tokens: tokens.slice(0, 1), draftAbove: null });
        const [guess, probability] = golden.guesses[0]!;
        const step = { ...run, at: 1, tokens: tokens.slice(1, 2), draftAbove: [probability - 1e-4] };
        assert.deepEqual((await runner.forward(step)).drafted, [guess]);
      } finally {
        await runner.release();
      }
    });
  }
});

describe('llama from GGUF', () => {
  it('has the logits of the reference, with biases on rotated channels and stretched positions', async () => {
    const golden = familyGolden('llama-linear');
    const folder = tempFolder({
      'm.gguf': familyGguf(golden, [
        entry('llama.rope.scaling.type', 'linear'),
        floatEntry('llama.rope.scaling.factor', 2),
      ]),
    });
    const runner = await loadConverted(join(folder, 'm.gguf'), join(folder, 'out'), 'fp32');
    try {
      const difference = worst(
        await logitsOf(runner, 0, golden.tokens, [golden.tokens.length]),
        golden.logits,
      );
      assert.ok(difference < 1e-4, `${difference}`);
    } finally {
      await runner.release();
    }
  });

  /** What the file says -> what config.json would say. */
  const ropes: [name: string, entries: Buffer[], scaling: Record<string, unknown>][] = [
    ['no kind and no factor', [], { rope_type: 'default' }],
    ['none', [entry('llama.rope.scaling.type', 'none'), floatEntry('llama.rope.scaling.factor', 4)], {}],
    ['a factor alone', [floatEntry('llama.rope.scaling.factor', 4)], { rope_type: 'linear', factor: 4 }],
    [
      'the factor of old files',
      [floatEntry('llama.rope.scale_linear', 4)],
      { rope_type: 'linear', factor: 4 },
    ],
    [
      'yarn',
      [
        entry('llama.rope.scaling.type', 'yarn'),
        floatEntry('llama.rope.scaling.factor', 4),
        entry('llama.rope.scaling.original_context_length', 64),
      ],
      { rope_type: 'yarn', factor: 4, original_max_position_embeddings: 64 },
    ],
    [
      'yarn with factors of its own',
      [
        entry('llama.rope.scaling.type', 'yarn'),
        floatEntry('llama.rope.scaling.factor', 4),
        floatEntry('llama.rope.scaling.attn_factor', 0.5),
        floatEntry('llama.rope.scaling.yarn_beta_fast', 16),
      ],
      {
        ...{ rope_type: 'yarn', factor: 4, original_max_position_embeddings: 256, beta_fast: 16 },
        attention_factor: 0.5 * (1 + 0.1 * Math.log(4)),
      },
    ],
  ];
  for (const [name, entries, scaling] of ropes) {
    it(`stretches positions as its file says: ${name}`, async () => {
      const golden = familyGolden('llama-linear');
      const folder = tempFolder({ 'm.gguf': familyGguf(golden, entries) });
      const checkpoint = await openCheckpoint(join(folder, 'm.gguf'));
      const { rope_theta } = golden.config.rope_parameters as { rope_theta: number };
      const expected = ropeOf(new Config({ rope_theta, rope_scaling: scaling }, 'test'), 16);
      try {
        assert.deepEqual(ropeOf(checkpoint.config, 16), expected);
      } finally {
        await checkpoint.close();
      }
    });
  }

  it('is refused where it is a piece of a model, before anything is converted', async () => {
    const all = [entry('split.no', 0), entry('split.count', 3)];
    const folder = tempFolder({ 'm.gguf': familyGguf(familyGolden('llama-linear'), all) });
    const message = /one of 3 pieces.*llama-gguf-split --merge/;
    await assert.rejects(openCheckpoint(join(folder, 'm.gguf')), { code: 'unsupported', message });
  });

  for (const [kind, entries] of [
    ['longrope', []],
    ['linear', [floatEntry('llama.rope.scaling.attn_factor', 1.2)]],
  ] as const) {
    it(`is refused where its positions are stretched in a way that is not known: ${kind}`, async () => {
      const all = [entry('llama.rope.scaling.type', kind), ...entries];
      const folder = tempFolder({ 'm.gguf': familyGguf(familyGolden('llama-linear'), all) });
      const converting = loadConverted(join(folder, 'm.gguf'), join(folder, 'out'), 'fp32');
      await assert.rejects(converting, { code: 'unsupported', message: new RegExp(kind) });
    });
  }
});

describe('gpt-oss as it is published', () => {
  it('reads experts in MXFP4 as what they stand for', async () => {
    const golden = familyGolden('gpt_oss');
    const folder = await mkdtemp(join(tmpdir(), 'moebius-family-'));
    const isExpert = (name: string) => /experts\.(gate_up|down)_proj$/.test(name);
    const logits: number[][][] = [];
    for (const form of ['packed', 'plain']) {
      await writeFamilyCheckpoint(join(folder, form), golden, all => {
        for (const [name, [experts = 0, inputs = 0, outputs = 0]] of Object.entries(golden.tensors)) {
          if (!isExpert(name)) continue;
          const blocks = inputs / 32;
          const rows = experts * outputs;
          const codes = Uint8Array.from({ length: rows * blocks * 16 }, (_, i) => (i * 37 + (i >> 5)) & 255);
          const scales = Uint8Array.from({ length: rows * blocks }, (_, i) => 122 + (i % 3));
          delete all[name];
          if (form === 'packed') {
            all[`${name}_blocks`] = { dtype: 'U8', shape: [experts, outputs, blocks, 16], bytes: codes };
            all[`${name}_scales`] = { dtype: 'U8', shape: [experts, outputs, blocks], bytes: scales };
            continue;
          }
          const values = mxfp4Values(codes, scales);
          const turned = new Float32Array(experts * inputs * outputs);
          for (let at = 0; at < turned.length; at++) {
            const [expert, within] = [Math.floor(at / (inputs * outputs)), at % (inputs * outputs)];
            const [input, output] = [Math.floor(within / outputs), within % outputs];
            turned[at] = values[(expert * outputs + output) * inputs + input]!;
          }
          all[name] = floatTensor([experts, inputs, outputs], turned);
        }
      });
      const runner = await loadConverted(join(folder, form), join(folder, `${form}-fp32`), 'fp32');
      logits.push(await logitsOf(runner, 0, golden.tokens, [golden.tokens.length]));
      await runner.release();
    }
    assert.ok(worst(logits[0]!, logits[1]!) < 1e-5);
    await rm(folder, { recursive: true });
  });
});
