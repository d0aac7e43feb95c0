/** A repository of safetensors from a hub: which files, their hashes, and going on after an interruption. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FetchProgress } from '../../../src/models/fetch-model.ts';
import { type FetchRepositoryOptions, fetchRepository } from '../../../src/models/fetch-repository.ts';
import { openStore, type Store } from '../../../src/models/store.ts';
import { HubServer } from './hub-server.ts';

const FIRST = 'model-00001-of-00002.safetensors';
const SECOND = 'model-00002-of-00002.safetensors';
const WANTED: Record<string, Buffer> = {
  'config.json': Buffer.from('{"model_type":"qwen3_moe"}'),
  'generation_config.json': Buffer.from('{}'),
  'model.safetensors.index.json': Buffer.from('{"weight_map":{}}'),
  [FIRST]: randomBytes(200_000),
  [SECOND]: randomBytes(150_000),
  'tokenizer.json': randomBytes(3000),
  'tokenizer_config.json': Buffer.from('{"a":1}'),
  'chat_template.jinja': Buffer.from('{{ x }}'),
};
const UNWANTED = {
  'README.md': Buffer.from('# r'),
  'consolidated.safetensors': randomBytes(100),
  'pytorch_model.bin': randomBytes(100),
  original: Buffer.alloc(0),
};
const entry = { id: 'test-moe', name: 'Test MoE', repository: 'o/r' };

let hub: HubServer;
let folder: string;
let store: Store;
let seen: FetchProgress[];
const before = process.env.MOEBIUS_HUB_URL;

const fetchIt = (options: Partial<FetchRepositoryOptions> = {}) =>
  fetchRepository(entry, {
    store,
    onProgress: progress => seen.push(progress),
    timing: { retryDelayMs: () => 0, connectMs: 2000, stallMs: 2000 },
    ...options,
  });
const downloads = () => hub.requests.filter(request => request.includes('/resolve/'));

describe('models: fetch a repository', () => {
  beforeEach(async () => {
    hub = await HubServer.start({ ...WANTED, ...UNWANTED });
    process.env.MOEBIUS_HUB_URL = hub.url;
    folder = await mkdtemp(join(tmpdir(), 'moebius-hub-'));
    store = await openStore(folder);
    seen = [];
  });
  afterEach(async () => {
    await hub.stop();
    await rm(folder, { recursive: true, force: true });
    if (before === undefined) delete process.env.MOEBIUS_HUB_URL;
    else process.env.MOEBIUS_HUB_URL = before;
  });

  it('gets what conversion reads, verified, and nothing else', async () => {
    const fetched = await fetchIt();
    assert.equal(fetched.isFresh, true);
    assert.equal(fetched.folder, join(folder, 'downloads', 'test-moe'));
    assert.equal(
      fetched.sizeBytes,
      Object.values(WANTED).reduce((sum, file) => sum + file.length, 0),
    );
    assert.deepEqual(
      (await readdir(fetched.folder)).sort(),
      [...Object.keys(WANTED), 'moebius-files.json'].sort(),
    );
    for (const [name, content] of Object.entries(WANTED))
      assert.deepEqual(await readFile(join(fetched.folder, name)), content, name);
    const last = seen.at(-1)!;
    assert.equal(last.doneBytes, last.totalBytes);
    assert.deepEqual(await readdir(join(folder, 'locks')), []);

    // A second call finds all of it, and asks nobody.
    hub.requests.length = 0;
    assert.deepEqual(await fetchIt(), { ...fetched, isFresh: false });
    assert.deepEqual(hub.requests, []);
  });

  it('goes on in the middle of the shard that was cut, in the same call', async () => {
    hub.cuts.set(FIRST, 2);
    await fetchIt();
    const ranges = downloads().filter(request => request.includes(FIRST));
    assert.equal(ranges.length, 3);
    assert.match(ranges[1]!, / bytes=100000-$/);
  });

  it('goes on where a cancelled call stopped, shard by shard, at the same revision', async () => {
    const abort = new AbortController();
    const stopInSecond = (progress: FetchProgress) => {
      if (progress.doneBytes > 250_000) abort.abort();
    };
    await assert.rejects(fetchIt({ signal: abort.signal, onProgress: stopInSecond }), { code: 'cancelled' });
    hub.requests.length = 0;
    await fetchIt();
    assert.ok(!hub.requests.some(request => request.includes('/api/') || request.includes(FIRST)));
    assert.deepEqual(await readFile(join(store.repositoryFolder('test-moe'), SECOND)), WANTED[SECOND]);
  });

  for (const name of [SECOND, 'config.json']) {
    it(`refuses a ${name} that is not what the hub lists, and keeps the rest`, async () => {
      hub.swapped.set(name, Buffer.from(WANTED[name]!).fill(7));
      await assert.rejects(fetchIt(), { code: 'hash-mismatch', message: new RegExp(name) });
      assert.ok(!(await readdir(store.repositoryFolder('test-moe'))).some(file => file.startsWith(name)));
      hub.swapped.clear();
      await fetchIt();
      assert.equal(downloads().filter(request => request.endsWith(`/${name}`)).length, 2);
    });
  }

  const lists: [string, unknown, RegExp][] = [
    ['is no list', { error: 'x' }, /list is not as expected/],
    ['has no weights', [item('config.json'), item('tokenizer.json')], /has no model\.safetensors/],
    ['has no config', [item('tokenizer.json'), item('model.safetensors')], /has no config\.json/],
    ['has a size below nothing', [{ ...item('config.json'), size: -1 }], /0\.size/],
    ['has a hash that is none', [{ ...item('config.json'), lfs: { oid: '../x', size: 1 } }], /0\.lfs\.oid/],
  ];
  for (const [name, list, message] of lists) {
    it(`refuses a repository whose list ${name}`, async () => {
      hub.list = list;
      await assert.rejects(fetchIt(), { code: 'download-failed', message });
      assert.deepEqual(downloads(), []);
    });
  }

  it('never writes outside its folder, whatever the hub or a kept list names', async () => {
    const outside = [item('../config.json'), item('/etc/config.json'), item('a/model.safetensors')];
    hub.list = [...outside, item('config.json'), item('tokenizer.json')];
    await assert.rejects(fetchIt(), { message: /has no model\.safetensors/ });

    hub.list = null;
    const { folder: target } = await fetchIt();
    const list = join(target, 'moebius-files.json');
    await writeFile(list, (await readFile(list, 'utf8')).replace('"config.json"', '"../../config.json"'));
    hub.requests.length = 0;
    await fetchIt();
    assert.ok(hub.requests.some(request => request.includes('/api/')));
  });

  it('looks for room before it begins', async () => {
    store.freeBytes = async () => 1000;
    await assert.rejects(fetchIt(), { code: 'disk-full', message: /Test MoE's download/ });
    assert.deepEqual(downloads(), []);
  });

  it('says what a hub says that does not have it', async () => {
    await assert.rejects(fetchRepository({ ...entry, repository: 'o/other' }, { store }), {
      code: 'download-failed',
      message: /o\/other.*404/,
    });
  });

  it('is removed with what was not finished', async () => {
    await fetchIt();
    await store.removeRepository('test-moe');
    assert.deepEqual(await readdir(store.downloadsFolder), []);
    assert.throws(() => store.repositoryFolder('../x'), { code: 'bad-request' });
  });
});

function item(path: string) {
  return { type: 'file', path, oid: 'b'.repeat(40), size: 10 };
}
