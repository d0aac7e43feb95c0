import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CarveOptions, carve } from '../../../src/convert/carve/carve.ts';
import { readCorpus } from '../../../src/convert/carve/corpus.ts';
import { readCarving, readCarvingJson } from '../../../src/convert/carving.ts';
import { OnnxTensorMath } from '../../../src/engine/session/tensor-math.ts';
import { TINY_GGUF, tinyGguf } from '../../support/tiny-gguf.ts';
import { random } from '../../support/tiny-model.ts';

const { layers, hidden, feedForward, vocab } = TINY_GGUF;
const dims = { layers, hidden, feedForward };

const tokenize = (text: string) => [...text].map(char => char.charCodeAt(0) % vocab);

describe('convert/carve: the tool on a tiny model', () => {
  let folder: string;
  let math: OnnxTensorMath;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'moebius-carve-'));
    math = await OnnxTensorMath.create(1);
    await writeFile(join(folder, 'tiny.gguf'), tinyGguf());
    await mkdir(join(folder, 'corpus', 'sub'), { recursive: true });
    const next = random(2);
    const text = () => Array.from({ length: 1200 }, () => String.fromCharCode(64 + 60 * next())).join('');
    for (const name of ['b.py', 'a.ts', 'sub/c.js']) await writeFile(join(folder, 'corpus', name), text());
  });
  after(async () => {
    await math.dispose();
    await rm(folder, { recursive: true });
  });

  const options = (out: string): CarveOptions => ({
    source: join(folder, 'tiny.gguf'),
    id: 'tiny',
    corpus: join(folder, 'corpus'),
    tokens: 2048,
    groups: 4,
    sharedGroups: 1,
    seed: 0,
    outFolder: join(folder, out),
    tokenize,
    math,
  });

  it('writes a carving that is read back, the same one every time', async () => {
    const percents: number[] = [];
    const made = await carve({ ...options('one'), onProgress: step => percents.push(step.percent) });
    await carve(options('two'));
    const read = await readCarving(join(folder, 'one'), dims);
    assert.deepEqual(
      read.layers.map(layer => layer.order),
      made.layers.map(layer => layer.order),
    );
    assert.deepEqual([read.sharedNeurons, read.routed, read.routedNeurons], [64, 3, 64]);
    assert.deepEqual([read.levels.exact?.readK, read.levels.balanced?.readK], [null, 1]);
    assert.ok(read.layers.every(layer => layer.importance.feedForwardMid.every(value => value > 0)));
    const bytes = (out: string) => readFile(join(folder, out, 'carving.bin'));
    assert.deepEqual(await bytes('one'), await bytes('two'));
    assert.equal(percents.at(-1), 100);
    assert.deepEqual(
      percents,
      percents.toSorted((a, b) => a - b),
    );
    const { calibration, quality } = await readCarvingJson(join(folder, 'one'));
    assert.deepEqual([calibration.tokens, calibration.files], [2048, 3]);
    assert.equal(quality, undefined);
  });

  it('is tried on text that it was not made from, and is the same carving', async () => {
    await carve(options('plain'));
    // Two of three files make it; the third has one sequence.
    await carve({ ...options('tried'), heldTokens: 4096 });
    const [plain, tried] = [
      await readCarvingJson(join(folder, 'plain')),
      await readCarvingJson(join(folder, 'tried')),
    ];
    assert.equal(plain.data.sha256, tried.data.sha256);
    const { tokens, errors } = tried.quality!;
    assert.equal(tokens, 1024);
    assert.deepEqual(
      errors.map(({ experts, active }) => [experts, active]),
      [
        [1, 0.5],
        [2, 0.75],
      ],
    );
    const [one, two] = errors.map(error => error.layers);
    assert.equal(one!.length, layers);
    for (let layer = 0; layer < layers; layer++)
      assert.ok(0 < two![layer]! && two![layer]! < one![layer]! && one![layer]! < 1);
  });

  it('leaves nothing when it is cancelled, and keeps an older carving', async () => {
    await carve(options('kept'));
    const before = await readFile(join(folder, 'kept', 'carving.json'));
    for (const out of ['fresh', 'kept']) {
      const abort = new AbortController();
      const running = carve({
        ...options(out),
        signal: abort.signal,
        onProgress: step => step.percent > 60 && abort.abort(),
      });
      await assert.rejects(running, { code: 'cancelled' });
    }
    assert.ok(!(await readdir(folder)).includes('fresh'));
    assert.deepEqual(await readFile(join(folder, 'kept', 'carving.json')), before);
  });

  it('says what is wrong with its input', async () => {
    const check = async (change: Partial<CarveOptions>, code: string, message: RegExp) =>
      assert.rejects(carve({ ...options('bad'), ...change }), { code, message });
    await check({ tokens: 8192 }, 'bad-request', /3600 usable tokens/);
    await check(
      { tokens: 10 },
      'bad-request',
      /10 tokens are less than one sequence of 1024: ask for .* more/,
    );
    await check({ corpus: join(folder, 'nowhere') }, 'not-found', /nowhere/);
    await check({ groups: 5 }, 'bad-request', /multiple of 64/);
    await check({ source: join(folder, 'corpus', 'a.ts') }, 'format-invalid', /GGUF/);
  });

  it('knows before it begins that it cannot write, and leaves nothing behind where it can', async () => {
    const file = join(folder, 'tiny.gguf');
    const work: string[] = [];
    const onProgress = () => work.push('step');
    for (const outFolder of [file, join(file, 'below')])
      await assert.rejects(carve({ ...options(''), outFolder, onProgress }), {
        code: 'bad-request',
        message: /can't be written to/,
      });
    const fresh = { ...options('deep/er'), corpus: join(folder, 'nowhere'), onProgress };
    await assert.rejects(carve(fresh), { code: 'not-found' });
    assert.deepEqual(work, []);
    assert.ok(!(await readdir(folder)).includes('deep'));
  });

  it('reads the corpus in an order that depends on the seed alone', async () => {
    const read = (seed: number) =>
      readCorpus({ folder: join(folder, 'corpus'), tokens: 3072, sequenceTokens: 512, seed, tokenize });
    const [first, again, other] = [await read(0), await read(0), await read(4)];
    assert.deepEqual(first, again);
    assert.equal(first.sequences.length, 6);
    assert.equal(other.sha256, first.sha256);
    assert.notDeepEqual(other.sequences, first.sequences);
  });
});
