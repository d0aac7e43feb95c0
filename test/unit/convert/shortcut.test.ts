/** A shortcut: its files, and what the graphs that convert makes of it compute on a tiny model. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeCarving } from '../../../src/convert/carve/writer.ts';
import type { Carving } from '../../../src/convert/carving.ts';
import { type ConvertOptions, convertModel } from '../../../src/convert/convert.ts';
import { writeSealed } from '../../../src/convert/sealed-data.ts';
import { ModelRunner } from '../../../src/engine/session/model-runner.ts';
import { openGguf } from '../../../src/formats/gguf.ts';
import type { LevelPlan } from '../../../src/models/manifest.ts';
import { TINY_GGUF, tinyGguf } from '../../support/tiny-gguf.ts';

const { layers, hidden, feedForward } = TINY_GGUF;
const dims = { layers, hidden, feedForward };
const ROUTED = 3;
/** Keys of a token in one layer. */
const WIDTH = 16;
const FIRST = 1;
const SCALE = 1 / 16;

/** 4-bit codes of layer 1's keys and values, [2 * WIDTH, hidden]. */
const codes = Int8Array.from({ length: 2 * WIDTH * hidden }, (_, i) => ((i * 37 + (i >> 5) * 11) % 15) - 7);
const PROMPT = Array.from({ length: 40 }, (_, i) => (i * 7) % 100);

describe('convert/shortcut', () => {
  let folder: string;
  const at = (...names: string[]) => join(folder, ...names);
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'moebius-shortcut-'));
    await writeFile(at('tiny.gguf'), await knownGguf());
    await writeRecipe({ shortcut: true });
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('says what the layers would have computed, where its map is theirs', async () => {
    const whole = await answer({});
    await writeShortcut();
    close(await answer({ shortcut: true }), whole);
  });

  it('is what those layers remember, if it says something else', async () => {
    const whole = await answer({});
    await writeShortcut({ bias: 0.5 });
    assert.ok(distance(await answer({ shortcut: true }), whole) > 1e-2);
    close(await answer({}), whole);
  });

  it('leaves scores of the tokens themselves to the layers', async () => {
    await writeShortcut();
    const runner = await open();
    const targets = PROMPT.slice(1);
    const args = { ...always, at: 0, tokens: PROMPT, experts: ROUTED, logitRows: 0, targets };
    const { logProbs } = await runner.forward({ ...args, sequence: 1 });
    const told = await runner.forward({ ...args, sequence: 2, shortcut: true });
    close(told.logProbs!, logProbs!);
    await runner.release();
  });

  it('is opened again after it could not be opened', async () => {
    await writeShortcut();
    const runner = await open();
    const args = { ...always, sequence: 0, at: 0, tokens: PROMPT, experts: ROUTED, logitRows: 0 };
    await rename(at('out', 'shortcut.onnx'), at('away.onnx'));
    await assert.rejects(runner.forward({ ...args, shortcut: true }), /shortcut\.onnx/);
    await rename(at('away.onnx'), at('out', 'shortcut.onnx'));
    await runner.forward({ ...args, shortcut: true });
    await runner.release();
  });

  it('is counted in the room that is asked for before, as the carved layers are', async () => {
    const told: number[] = [];
    const requireRoom = async (bytes: number) => void told.push(bytes);
    const written = async () => {
      const { files } = await convert({ requireRoom });
      return Object.keys(files).reduce(
        (sum, name) => sum + (name.endsWith('.data') ? files[name]!.sizeBytes : 0),
        0,
      );
    };
    await writeShortcut();
    const whole = await written();
    await writeRecipe({});
    await rm(at('shortcut.json'));
    const carved = await written();
    // But for norms and routers, which take a page each.
    const pages = [whole - told[0]!, carved - told[1]!].map(bytes => bytes / 4096);
    assert.ok(pages.every(count => count > 0 && count < 16) && pages[0]! - pages[1]! < 2, `${pages}`);
  });

  const edit = (change: object) => async () => {
    const json = JSON.parse(await readFile(at('shortcut.json'), 'utf8'));
    await writeFile(at('shortcut.json'), JSON.stringify({ ...json, ...change }));
  };
  const refused: [string, () => Promise<void>, string, RegExp][] = [
    ['another format', edit({ format: 2 }), 'model-invalid', /format/],
    [
      'another model',
      edit({ dims: { layers, hidden: 64, keysAndValues: 32 } }),
      'model-invalid',
      /hidden 64, not 32/,
    ],
    ['another carving', edit({ carvingSha256: 'b'.repeat(64) }), 'model-invalid', /another carving; train/],
    ['layers that are not there', edit({ first: 2 }), 'model-invalid', /no layer 2/],
    ['damaged data', () => writeFile(at('shortcut.bin'), 'x'), 'hash-mismatch', /damaged/],
    ['numbers that are not finite', () => writeShortcut({ bias: Infinity }), 'model-invalid', /finite/],
    ['data of another size', () => writeShortcut({ more: 4 }), 'model-invalid', /should have/],
    ['a level without one', () => rm(at('shortcut.json')), 'model-invalid', /no shortcut\.json/],
  ];
  for (const [name, spoil, code, message] of refused) {
    it(`refuses ${name}`, async () => {
      await writeShortcut();
      await spoil();
      await assert.rejects(convert(), { name: 'MoebiusError', code, message });
    });
  }

  const always = { draftAbove: null };

  /** Logits after a prompt of which all but the last token are read by all routed experts. */
  async function answer(reader: { shortcut?: true }): Promise<Float32Array> {
    if (!reader.shortcut) await writeRecipe({});
    const runner = await open();
    const far = { ...always, sequence: 0, experts: ROUTED, logitRows: 0, ...reader };
    await runner.forward({ ...far, at: 0, tokens: PROMPT.slice(0, 20) });
    await runner.forward({ ...far, at: 20, tokens: PROMPT.slice(20, -1) });
    const last = { ...always, sequence: 0, at: PROMPT.length - 1, tokens: PROMPT.slice(-1) };
    const { logits } = await runner.forward({ ...last, experts: null, logitRows: 1 });
    await runner.release();
    await writeRecipe({ shortcut: true });
    return logits!;
  }

  async function open(): Promise<ModelRunner> {
    const manifest = await convert();
    const options = { folder: at('out'), manifest, contextTokens: 64, threads: 1, packed: null };
    return ModelRunner.load(options, () => undefined);
  }

  const convert = (more: Pick<ConvertOptions, 'requireRoom'> = {}) =>
    convertModel({
      ...more,
      source: at('tiny.gguf'),
      ...{ sourceSha256: '0'.repeat(64), id: 'tiny', name: 'Tiny', license: 'MIT', variant: 'int8' },
      ...{ carvingFolder: folder, drafterFolder: null, outFolder: at('out') },
    });

  async function writeRecipe(more: Pick<LevelPlan, 'shortcut'>): Promise<void> {
    const exact = { readK: null, writeK: null, exactTail: 0, exactHead: 0 };
    const fast = { readK: 1, writeK: null, exactTail: 1, exactHead: 0, ...more };
    const ones = (length: number) => new Float32Array(length).fill(1);
    const layer: Carving['layers'][number] = {
      order: Uint16Array.from({ length: feedForward }, (_, i) => i),
      router: new Float32Array(hidden * ROUTED),
      routerBias: new Float32Array(ROUTED),
      importance: {
        ...{ attentionIn: ones(hidden), attentionOut: ones(hidden) },
        ...{ feedForwardIn: ones(hidden), feedForwardMid: ones(feedForward) },
      },
    };
    const carving = {
      ...{ sharedNeurons: 64, routed: ROUTED, routedNeurons: 64 },
      ...{ levels: { exact, fast }, layers: [layer, layer] },
    };
    const calibration = {
      ...{ tokens: 1024, sequenceTokens: 1024, files: 1 },
      ...{ corpusSha256: 'a'.repeat(64), seed: 0 },
    };
    await writeCarving(folder, carving, { model: 'tiny', dims, calibration, createdBy: 'test' });
  }

  /** Layer 1's own projection, or one that is off by `bias`; `more` bytes at its end. */
  async function writeShortcut({ bias = 0, more = 0 } = {}): Promise<void> {
    const gguf = await openGguf(at('tiny.gguf'));
    const gains = await gguf.readTensorF32('blk.1.attn_norm.weight');
    await gguf.close();
    const floats = (of: Float32Array) => Buffer.from(of.buffer, of.byteOffset, of.byteLength);
    const nibbles = Buffer.from(
      Array.from(
        { length: codes.length / 2 },
        (_, i) => (codes[2 * i]! + 8) | ((codes[2 * i + 1]! + 8) << 4),
      ),
    );
    const parts = [
      floats(gains),
      floats(new Float32Array(2 * WIDTH).fill(bias)),
      floats(new Float32Array(2 * WIDTH).fill(SCALE)),
      nibbles,
      Buffer.alloc(more),
    ];
    const carving = JSON.parse(await readFile(at('carving.json'), 'utf8'));
    const names = { json: 'shortcut.json', data: 'shortcut.bin' };
    await writeSealed(folder, names, Buffer.concat(parts), data => ({
      ...{ format: 1, model: 'tiny', dims: { layers, hidden, keysAndValues: 2 * WIDTH }, first: FIRST },
      carvingSha256: carving.data.sha256,
      training: { steps: 0, tokens: 0, corpusSha256: 'a'.repeat(64), seed: 0 },
      ...{ data, createdBy: 'test' },
    }));
  }

  /** The tiny model whose layer 1 has keys and values of four bits. */
  async function knownGguf(): Promise<Buffer> {
    const bytes = tinyGguf();
    const path = at('plain.gguf');
    await writeFile(path, bytes);
    const gguf = await openGguf(path);
    for (const [part, name] of ['attn_k', 'attn_v'].entries()) {
      const values = await gguf.readTensorF32(`blk.1.${name}.weight`);
      const start = bytes.indexOf(Buffer.from(values.buffer, values.byteOffset, values.byteLength));
      assert.ok(start > 0, name);
      for (let i = 0; i < values.length; i++)
        bytes.writeFloatLE(codes[part * values.length + i]! * SCALE, start + 4 * i);
    }
    await gguf.close();
    return bytes;
  }
});

const distance = (a: Float32Array, b: Float32Array) =>
  Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));
const close = (a: Float32Array, b: Float32Array) => {
  assert.equal(a.length, b.length);
  assert.ok(distance(a, b) < 1e-4, `they differ by ${distance(a, b)}`);
};
