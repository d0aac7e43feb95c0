/** The GGUF reader against a file and vectors made by the reference package (test/reference/gguf_vectors.py). */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MoebiusError } from '../../../src/base/errors.ts';
import { DEQUANTIZABLE, dequantize } from '../../../src/formats/dequantize.ts';
import { decodeQ4K } from '../../../src/formats/dequantize-k.ts';
import { type GgufFile, openGguf } from '../../../src/formats/gguf.ts';

const FIXTURES = join(__dirname, '../../fixtures/formats');

const json = (name: string) => JSON.parse(readFileSync(join(FIXTURES, name), 'utf8'));
const bytes = (base64: string) => Uint8Array.from(Buffer.from(base64, 'base64'));
const floats = (base64: string) => new Float32Array(bytes(base64).buffer);

describe('formats: dequantisation', () => {
  const vectors: Record<string, { raw: string; values: string }> = json('dequantize.json');

  for (const [type, vector] of Object.entries(vectors)) {
    it(`${type} is bit for bit what the reference gives`, () => {
      const values = dequantize(type, bytes(vector.raw));
      assert.deepEqual(new Uint32Array(values.buffer), new Uint32Array(floats(vector.values).buffer));
    });
  }

  it('has a reference vector for every type it can read', () => {
    assert.deepEqual(Object.keys(vectors).sort(), [...DEQUANTIZABLE].sort());
  });

  it('decodes Q4_K to integers that give the same values', () => {
    const { raw, values } = vectors.Q4_K!;
    const expected = floats(values);
    const { q, scale, min } = decodeQ4K(bytes(raw), expected.length);
    const f = Math.fround;
    const actual = Float32Array.from(q, (value, i) => f(scale[i >> 5]! * value) - min[i >> 5]!);
    assert.deepEqual(actual, expected);
    assert.equal(Math.max(...q), 15);
  });

  it('refuses a type it does not know, and half a block', () => {
    assert.throws(() => dequantize('IQ2_XS', new Uint8Array(74)), { code: 'unsupported', message: /IQ2_XS/ });
    assert.throws(() => dequantize('Q4_0', new Uint8Array(17)), RangeError);
  });
});

describe('formats: reading a GGUF file', () => {
  let file: GgufFile;
  before(async () => {
    file = await openGguf(join(FIXTURES, 'tiny.gguf'));
  });
  after(() => file.close());

  const expected: [string, unknown][] = [
    ['general.architecture', 'tiny'],
    ['t.uint8', 200],
    ['t.int8', -5],
    ['t.uint16', 60000],
    ['t.int16', -30000],
    ['t.uint32', 4_000_000_000],
    ['t.int32', -7],
    ['t.float32', Math.fround(1e-6)],
    ['t.float64', 0.1],
    ['t.uint64', 2n ** 63n],
    ['t.int64', -(2 ** 40)],
    ['t.bool', true],
    ['t.string', 'grün → 森'],
    ['t.strings', ['a', '', 'Ġdef']],
    ['t.numbers', [3, 1, 2]],
  ];
  for (const [key, value] of expected) {
    it(`reads ${key}`, () => assert.deepEqual(file.metadata.get(key), value));
  }

  it('gives typed values, fallbacks, and names what is missing or of another type', () => {
    assert.equal(file.getNumber('t.int32'), -7);
    assert.equal(file.getNumber('absent', null), null);
    assert.equal(file.getString('absent', undefined), undefined);
    assert.deepEqual(file.getArray('t.strings', 'string'), ['a', '', 'Ġdef']);
    assert.throws(() => file.getNumber('absent'), { code: 'format-invalid', message: /"absent" is missing/ });
    assert.throws(() => file.getString('t.int32', 'x'), { message: /"t.int32" is not a string/ });
    assert.throws(() => file.getArray('t.strings', 'number'), {
      message: /"t.strings" is not a list of numbers/,
    });
    assert.throws(() => file.getNumber('t.uint64'), { message: /"t.uint64" is not a number/ });
  });

  it('describes tensors outermost dimension first', () => {
    const { offset: _, ...experts } = file.tensor('experts');
    assert.deepEqual(experts, {
      name: 'experts',
      type: 'Q4_0',
      shape: [3, 2, 256],
      sizeBytes: 3 * 2 * 8 * 18,
      elements: 1536,
    });
    assert.deepEqual(file.tensor('norm').shape, [256]);
    assert.throws(() => file.tensor('nope'), { code: 'format-invalid', message: /tensor "nope" is missing/ });
  });

  it('reads whole tensors and ranges of rows', async () => {
    for (const [name, base64] of Object.entries<string>(json('tiny.json'))) {
      const all = floats(base64);
      assert.deepEqual(await file.readTensorF32(name), all, name);
      const rows = all.length / 256;
      for (let row = 0; row < rows; row++) {
        assert.deepEqual(
          await file.readTensorF32(name, row, 1),
          all.slice(row * 256, row * 256 + 256),
          `${name} ${row}`,
        );
      }
      assert.deepEqual(await file.readTensorF32(name, rows - 1), all.slice(-256));
      assert.equal((await file.readTensor(name, 0, 0)).length, 0);
      await assert.rejects(file.readTensor(name, rows, 1), RangeError);
      await assert.rejects(file.readTensor(name, -1, 1), RangeError);
    }
  });

  it('says which file is missing', async () => {
    await assert.rejects(openGguf(join(FIXTURES, 'nope.gguf')), (error: unknown) => {
      assert.ok(error instanceof MoebiusError);
      assert.equal(error.code, 'not-found');
      return /nope\.gguf/.test(error.message);
    });
  });
});
