/** Malformed GGUF headers, built byte by byte: each is refused with `format-invalid` and the name of the wrong field. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { MoebiusError } from '../../../src/base/errors.ts';
import { openGguf } from '../../../src/formats/gguf.ts';
import {
  ARRAY,
  ggufBytes,
  type Parts,
  STRING,
  str,
  tensorRow,
  UINT32,
  u32,
  u64,
} from '../../support/gguf-bytes.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'moebius-gguf-'));
});
after(() => rm(folder, { recursive: true, force: true }));

async function openBytes(bytes: Uint8Array) {
  const path = join(folder, 'm.gguf');
  await writeFile(path, bytes);
  return openGguf(path);
}

const HUGE = 2n ** 63n;

const malformed: [string, Parts, RegExp][] = [
  ['another magic', { magic: 'GGML' }, /the magic is "GGML"/],
  ['version 1', { version: 1 }, /the version is 1;/],
  ['a big-endian version', { version: 0x03000000 }, /big-endian/],
  ['a huge tensor count', { tensorCount: HUGE }, /the tensor count is too large/],
  ['too many tensors', { tensorCount: 200_000 }, /the tensor count is 200000; at most/],
  [
    'more tensors than bytes',
    { tensorCount: 1000 },
    /the tensor count is 1000, more than the rest of the file/,
  ],
  ['too many entries', { entryCount: 1n << 40n }, /the metadata count is 1099511627776; at most/],
  ['more entries than bytes', { entryCount: 500 }, /the metadata count is 500, more than the rest/],
  [
    'a key longer than the file',
    { entryCount: 1, entries: [u64(5000)] },
    /length of metadata key 0 is 5000, more/,
  ],
  [
    'a key longer than allowed',
    { entryCount: 1, entries: [u64(70_000)] },
    /metadata key 0 is 70000; at most/,
  ],
  [
    'an unknown value type',
    { entries: [Buffer.concat([str('a'), u32(13), u64(0)])] },
    /"a" has the unknown value type 13/,
  ],
  [
    'a key twice',
    { entries: Array(2).fill(Buffer.concat([str('a'), u32(UINT32), u32(1)])) },
    /"a" appears twice/,
  ],
  [
    'a string longer than the file',
    { entries: [Buffer.concat([str('a'), u32(STRING), u64(10_000)])] },
    /length of metadata "a" is 10000, more than the rest/,
  ],
  [
    'a string longer than allowed',
    { entries: [Buffer.concat([str('a'), u32(STRING), u64(2n ** 32n)])] },
    /length of metadata "a" is 4294967296; at most/,
  ],
  [
    'an array longer than the file',
    { entries: [Buffer.concat([str('a'), u32(ARRAY), u32(UINT32), u64(10_000)])] },
    /length of metadata "a" is 10000, more than the rest/,
  ],
  [
    'an array longer than allowed',
    { entries: [Buffer.concat([str('a'), u32(ARRAY), u32(UINT32), u64(HUGE)])] },
    /length of metadata "a" is too large/,
  ],
  [
    'an array of an unknown type',
    { entries: [Buffer.concat([str('a'), u32(ARRAY), u32(99), u64(1)])] },
    /"a" has the unknown element type 99/,
  ],
  [
    'arrays in arrays in arrays',
    {
      entries: [
        Buffer.concat([str('a'), u32(ARRAY), ...Array(6).fill(Buffer.concat([u32(ARRAY), u64(1)])), u32(0)]),
      ],
    },
    /"a" nests arrays deeper/,
  ],
  [
    'a truth value of 7',
    { entries: [Buffer.concat([str('a'), u32(7), Buffer.of(7)])] },
    /"a" holds 7 as a truth value/,
  ],
  [
    'an alignment of 3',
    { entries: [Buffer.concat([str('general.alignment'), u32(UINT32), u32(3)])] },
    /general\.alignment is 3/,
  ],
  [
    'an alignment of 0',
    { entries: [Buffer.concat([str('general.alignment'), u32(UINT32), u32(0)])] },
    /general\.alignment is 0/,
  ],
  [
    'an alignment that is text',
    { entries: [Buffer.concat([str('general.alignment'), u32(STRING), str('32')])] },
    /general\.alignment is 32/,
  ],
  ['no dimensions', { tensors: [tensorRow([])] }, /tensor "w" has 0 dimensions/],
  ['five dimensions', { tensors: [tensorRow([1, 1, 1, 1, 1])] }, /tensor "w" has 5 dimensions/],
  ['an empty dimension', { tensors: [tensorRow([4, 0])] }, /dimension 1 of tensor "w" is 0/],
  ['a huge dimension', { tensors: [tensorRow([HUGE])] }, /dimension 0 of tensor "w" is too large/],
  [
    'dimensions whose product overflows',
    { tensors: [tensorRow([2n ** 32n, 2n ** 32n])] },
    /"w" has too many elements/,
  ],
  [
    'an overflow back to a small number',
    { tensors: [tensorRow([2n ** 33n, 2n ** 33n, 1])] },
    /"w" has too many elements/,
  ],
  ['an unknown tensor type', { tensors: [tensorRow([32], 4)] }, /"w" has the unknown tensor type 4/],
  [
    'rows of half a block',
    { tensors: [tensorRow([48], 8)] },
    /"w" has rows of 48 values, not a multiple of Q8_0's 32/,
  ],
  ['data outside the file', { tensors: [tensorRow([17])] }, /data of tensor "w" ends at byte/],
  ['an offset outside the file', { tensors: [tensorRow([1], 0, 2n ** 50n)] }, /"w" lies outside the file/],
  [
    'an offset near the largest number',
    { tensors: [tensorRow([1], 0, 2n ** 53n - 32n)] },
    /"w" lies outside the file/,
  ],
  [
    'a misaligned offset',
    { tensors: [tensorRow([1], 0, 4)] },
    /offset of tensor "w" is 4, not a multiple of 32/,
  ],
  ['a tensor twice', { tensors: [tensorRow([1]), tensorRow([1], 0, 32)] }, /tensor "w" appears twice/],
  [
    'a tensor name longer than allowed',
    { tensors: [tensorRow([1], 0, 0, 'x'.repeat(1025))] },
    /name of tensor 0 is 1025/,
  ],
];

describe('formats: malformed GGUF', () => {
  for (const [name, parts, message] of malformed) {
    it(`refuses ${name}`, async () => {
      await assert.rejects(openBytes(ggufBytes(parts)), {
        name: 'MoebiusError',
        code: 'format-invalid',
        message,
      });
    });
  }

  it('accepts the well-formed file that those are made from', async () => {
    const entries = [
      Buffer.concat([str('a'), u32(ARRAY), u32(ARRAY), u64(1), u32(UINT32), u64(2), u32(7), u32(8)]),
    ];
    const file = await openBytes(
      ggufBytes({ version: 2, entries, tensors: [tensorRow([4, 2]), tensorRow([8], 0, 32, 'v')] }),
    );
    assert.deepEqual(file.metadata.get('a'), [[7, 8]]);
    assert.deepEqual(file.tensor('w').shape, [2, 4]);
    assert.deepEqual(await file.readTensorF32('v'), new Float32Array(8));
    await file.close();
  });

  it('refuses every truncation of a real file', async () => {
    const whole = await readFile(join(__dirname, '../../fixtures/formats/tiny.gguf'));
    for (let length = 0; length < whole.length; length += length < 150 ? 1 : 11) {
      await assert.rejects(openBytes(whole.subarray(0, length)), { code: 'format-invalid' }, `${length}`);
    }
  });

  it('survives random damage: it opens or it says format-invalid, never anything else', async () => {
    const whole = await readFile(join(__dirname, '../../fixtures/formats/tiny.gguf'));
    const damage = fc.array(fc.tuple(fc.nat(1100), fc.integer({ min: 0, max: 255 })), {
      minLength: 1,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(damage, async places => {
        const bytes = Buffer.from(whole);
        for (const [at, value] of places) bytes[at] = value;
        try {
          await (await openBytes(bytes)).close();
        } catch (error) {
          assert.ok(error instanceof MoebiusError && error.code === 'format-invalid', String(error));
        }
      }),
      { numRuns: 300, seed: 7 },
    );
  });

  it('does not open a folder', async () => {
    await assert.rejects(openGguf(folder), { code: 'format-invalid' });
  });
});
