/** Downloads against a server with every fault: what is kept, what is asked for again, what the user is told. */
import assert from 'node:assert/strict';
import { access, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ErrorCode } from '../../../src/base/errors.ts';
import { type DownloadOptions, download } from '../../../src/models/download.ts';
import { type Fault, FaultServer } from './fault-server.ts';

const CONTENT = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7919) >> 3);

let server: FaultServer;
let folder: string;
let path: string;
beforeEach(async () => {
  server = await FaultServer.start(CONTENT);
  folder = await mkdtemp(join(tmpdir(), 'moebius-download-'));
  path = join(folder, 'f.partial');
});
afterEach(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

function get(options: Partial<DownloadOptions> = {}): Promise<void> {
  const timing = { connectMs: 1500, stallMs: 600, retryDelayMs: () => 1 };
  return download({ url: `${server.url}/f`, path, sizeBytes: CONTENT.length, ...timing, ...options });
}

async function assertWhole(): Promise<void> {
  assert.ok((await readFile(path)).equals(CONTENT));
  await assert.rejects(access(`${path}.etag`), 'nothing is left beside the file');
}

describe('models: download', () => {
  /** Faults of the requests in turn; then how many requests it took, and whether no byte was sent twice. */
  const survived: [Fault[], number, boolean][] = [
    [[], 1, true],
    [['reset'], 2, true],
    [['stall'], 2, true],
    [['reset', 'stall', 'reset'], 4, true],
    [['reset', 'overloaded', 'overloaded'], 4, true],
    [['reset', 'silent'], 3, true],
    [['reset', 'no-ranges'], 2, false],
    [['reset', 'range-not-satisfiable'], 3, false],
    [['redirect'], 2, true],
    [['chunked-short'], 2, true],
    [['overloaded'], 2, true],
  ];
  for (const [faults, requests, isOnce] of survived) {
    it(`gets the file through ${faults.join(', ') || 'nothing'}`, async () => {
      server.faults = [...faults];
      await get();
      await assertWhole();
      assert.equal(server.requests.length, requests);
      assert.equal(server.bytesSent === CONTENT.length, isOnce, `${server.bytesSent} bytes sent`);
    });
  }

  it('goes on in a later call where an earlier one stopped', async () => {
    await writeFile(path, CONTENT.subarray(0, 123_456));
    const seen: number[] = [];
    await get({ onProgress: doneBytes => seen.push(doneBytes) });
    await assertWhole();
    assert.equal(server.requests[0]!.range, 'bytes=123456-');
    assert.equal(seen[0], 123_456);
    assert.equal(seen.at(-1), CONTENT.length);
    assert.deepEqual(
      [...seen].sort((a, b) => a - b),
      seen,
    );
  });

  it('starts again when the file on the server has changed', async () => {
    server.content = CONTENT.map(byte => byte ^ 1);
    server.faults = ['reset', 'not-found'];
    await assert.rejects(get(), { code: 'download-failed' });
    assert.equal((await readFile(path)).length, CONTENT.length / 2);
    server.content = CONTENT;
    server.etag = '"v2"';
    await get();
    await assertWhole();
    assert.equal(server.requests.at(-1)!.ifRange, '"v1"');
  });

  it('asks for nothing when all is there, and for everything when there is too much', async () => {
    await writeFile(path, CONTENT);
    await get();
    assert.equal(server.requests.length, 0);
    await writeFile(path, Buffer.concat([CONTENT, CONTENT]));
    await get();
    await assertWhole();
    assert.equal(server.requests[0]!.range, undefined);
  });

  it('takes the size from the server if nobody knows it', async () => {
    server.faults = ['reset'];
    const totals = new Set<number | null>();
    await get({ sizeBytes: null, onProgress: (_, totalBytes) => totals.add(totalBytes) });
    await assertWhole();
    assert.deepEqual([...totals], [CONTENT.length]);
  });

  it('keeps a whole file whose size only the server knows, and no longer one', async () => {
    await writeFile(path, CONTENT);
    await get({ sizeBytes: null });
    await assertWhole();
    assert.deepEqual([server.requests.length, server.bytesSent], [1, 0]);
    await writeFile(path, Buffer.concat([CONTENT, CONTENT]));
    await get({ sizeBytes: null });
    await assertWhole();
  });

  it('does not take a shorter file on the server for the whole one', async () => {
    await writeFile(path, CONTENT);
    await assert.rejects(get({ sizeBytes: CONTENT.length + 1 }), { message: /has 300000 bytes instead of/ });
  });

  const refused: [string, Fault[], RegExp][] = [
    ['a file that is not there', ['not-found'], /answered 404/],
    ['a file of another size', ['other-size'], /has 300001 bytes instead of 300000/],
    ['more bytes than the file has', ['too-long'], /sends more than the 300000 bytes/],
    ['another part than was asked for', ['reset', 'wrong-part'], /another part of the file/],
    ['a server that never answers', ['silent'], /did not answer/],
    ['a server that only cuts', Array(9).fill('overloaded'), /answered 503/],
  ];
  for (const [name, faults, message] of refused) {
    it(`refuses ${name}`, async () => {
      server.faults = [...faults];
      await assert.rejects(get(), { code: 'download-failed' satisfies ErrorCode, message });
      assert.ok(server.requests.length <= 6);
    });
  }

  it('does not insist on a server that is not there', async () => {
    const closed = createServer().listen(0);
    const { port } = closed.address() as { port: number };
    await new Promise(resolve => closed.close(resolve));
    const startedAt = performance.now();
    const attempt = get({ url: `http://127.0.0.1:${port}/f`, retryDelayMs: () => 10_000 });
    await assert.rejects(attempt, { code: 'download-failed', message: /ECONNREFUSED/ });
    assert.ok(performance.now() - startedAt < 2000);
  });

  it('stops at once when it is cancelled, and keeps what came', async () => {
    const hasCome: [Fault, (doneBytes: number) => boolean][] = [
      ['silent', () => server.requests.length === 1],
      ['stall', doneBytes => doneBytes === CONTENT.length / 2],
    ];
    for (const [fault, isTime] of hasCome) {
      server.faults = [fault];
      const abort = new AbortController();
      let came = 0;
      const onProgress = (doneBytes: number) => {
        came = doneBytes;
      };
      const running = get({ signal: abort.signal, connectMs: 60_000, stallMs: 60_000, onProgress });
      while (!isTime(came)) await new Promise(resolve => setTimeout(resolve, 5));
      abort.abort();
      await assert.rejects(running, { code: 'cancelled' });
    }
    assert.equal((await readFile(path)).length, CONTENT.length / 2);
    await assert.rejects(get({ signal: AbortSignal.abort() }), { code: 'cancelled' });
  });

  it('says that the disk is full, and goes on later', async function () {
    // A device that refuses every write; the same error as a full disk gives.
    if (process.platform !== 'linux') this.skip();
    await symlink('/dev/full', path);
    await assert.rejects(get(), { code: 'disk-full', message: /goes on where it stopped/ });
  });
});
