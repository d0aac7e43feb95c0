/** Saved pages on real folders: what is found again, what is thrown away, and what several processes do to each other. */
import assert from 'node:assert/strict';
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPageFolder, type PageFolder } from '../../../../src/daemon/kv/page-folder.ts';
import { type FoundKv, KV_PAGE_ROWS, type KvPage } from '../../../../src/engine/kv-pages.ts';
import { ALL_EXPERTS, type CachedRows } from '../../../../src/engine/read-plan.ts';
import { trimKvFiles } from '../../../../src/models/kv-files.ts';
import { writeManifest } from '../../../../src/models/manifest-file.ts';
import { openStore, type Store } from '../../../../src/models/store.ts';
import { installModel, manifestOf } from '../../models/converted-model.ts';

const MEGABYTE = 1e6;
const ROW_BYTES = 1000;

describe('saved pages', () => {
  let home: string;
  let store: Store;
  let pages: PageFolder;

  const open = async (capBytes = 100 * MEGABYTE, id = 'm') => {
    const path = store.variantFolder(id, 'int4');
    return (await openPageFolder(store, { id, variant: 'int4', path }, capBytes))!;
  };
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'moebius-kv-'));
    store = await openStore(home);
    for (const id of ['m', 'other']) await installModel(store.variantFolder(id, 'int4'), id);
    pages = await open();
  });
  afterEach(() => rm(home, { recursive: true, force: true }));

  /** `length` rows, read by all experts unless said otherwise. */
  const rows = (
    length: number,
    from = 0,
    experts: (row: number) => number = () => ALL_EXPERTS,
  ): CachedRows => {
    const numbers = Array.from({ length }, (_, i) => i);
    return { tokens: numbers.map(i => from + i), experts: numbers.map(experts) };
  };
  const joined = (...parts: CachedRows[]): CachedRows => ({
    tokens: parts.flatMap(part => part.tokens),
    experts: parts.flatMap(part => part.experts),
  });
  /** The bytes of row i are its token's. */
  const pageOf = ({ tokens, experts }: CachedRows): KvPage => {
    const block = (name: string, size: number) => {
      const data = new Uint8Array(tokens.length * size * 2);
      for (const [i, token] of tokens.entries()) data.fill(token, i * size * 2, (i + 1) * size * 2);
      return { name, type: 'f16' as const, rows: tokens.length, rowSize: size, data };
    };
    return { tokens, experts, blocks: [block('k.0', 400), block('v.0', ROW_BYTES / 2 - 400)] };
  };
  const save = async (sequence: CachedRows, into = pages) => {
    const unsaved = await into.unsaved(sequence);
    for (const { parent, from, to } of unsaved) {
      await into.write(
        parent,
        pageOf({ tokens: sequence.tokens.slice(from, to), experts: sequence.experts.slice(from, to) }),
      );
    }
    return unsaved.map(({ from, to }) => `${from}-${to}`).join(' ');
  };
  const find = async (
    prompt: CachedRows,
    from = pages,
    needed: (row: number) => number = () => ALL_EXPERTS,
  ) => {
    const found = await from.find(prompt.tokens, needed);
    if (!found) return 0;
    const got = await collect(found);
    const count = Math.min(got.tokens.length, found.rows);
    assert.deepEqual(got.tokens.slice(0, count), prompt.tokens.slice(0, count));
    return count;
  };
  const collect = async (found: FoundKv) => {
    const all: CachedRows = { tokens: [], experts: [] };
    for await (const page of found.pages()) {
      assert.deepEqual(
        page.blocks,
        pageOf(page).blocks.map(block => ({ ...block, data: Buffer.from(block.data) })),
      );
      all.tokens.push(...page.tokens);
      all.experts.push(...page.experts);
    }
    return all;
  };
  const files = async () => (await readdir(store.kvFolder('m', 'int4')).catch(() => [])).sort();
  const pathOf = async (index: number) => join(store.kvFolder('m', 'int4'), (await files())[index]!);

  it('finds what was saved, by another process too, and only what a prompt begins with', async () => {
    assert.equal(await find(rows(600)), 0);
    assert.equal(await save(rows(600)), '0-256 256-512 512-600');
    for (const folder of [pages, await open()]) {
      assert.equal(await find(rows(700), folder), 600);
      assert.equal(await find(rows(530), folder), 530);
      assert.equal(await find(joined(rows(300), rows(50, 9000)), folder), 300);
      assert.equal(await find(rows(700, 1), folder), 0);
    }
    assert.equal(
      await find(rows(600), await open(MEGABYTE, 'other')),
      0,
      "another model's rows are of no use",
    );
  });

  it('adds only what is new of a conversation that goes on', async () => {
    await save(rows(300));
    assert.equal(await save(rows(300)), '');
    assert.equal(await save(rows(290)), '');
    assert.equal(await save(rows(600)), '256-512 512-600');
    assert.equal((await files()).length, 3, 'the unfinished page has been replaced');
    assert.equal(await save(joined(rows(260), rows(100, 5000))), '256-360');
    assert.equal(await find(joined(rows(260), rows(100, 5000))), 360);
    assert.equal(await find(rows(600)), 600);
  });

  it('tells apart by how many experts a row, and all before it, were read', async () => {
    const sparse = rows(600, 0, row => (row < 4 || row >= 400 ? ALL_EXPERTS : 2));
    await save(sparse);
    assert.equal(await find(rows(600)), 4);
    const needed = (row: number) => (row < 4 || row >= 500 ? ALL_EXPERTS : 2);
    assert.equal(await find(rows(600), pages, needed), 600);
    // Its third page has the same tokens and experts, but stands on rows that few experts read.
    assert.equal(await save(rows(600)), '0-256 256-512 512-600');
    assert.equal(await find(rows(600)), 600);
    assert.equal(await find(rows(600), pages, () => 3), 600);
  });

  it('keeps to its cap over all models, the longest unused first, a conversation from its end', async () => {
    const cap = 2.1 * KV_PAGE_ROWS * ROW_BYTES;
    const small = await open(cap);
    await save(rows(512), small);
    const old = await Promise.all((await files()).map(name => stat(join(store.kvFolder('m', 'int4'), name))));
    assert.equal(old.length, 2);
    const other = await open(cap, 'other');
    await save(rows(256, 7000), other);
    assert.equal(await find(rows(512), small), 256, 'its second page made room');
    assert.equal(await find(rows(256, 7000), other), 256);
    await assert.rejects(save(rows(2000, 100), small), { code: 'disk-full' });
    assert.equal(await find(rows(2000, 100), small), 512, 'what is before a page is not given up for it');
  });

  it('can be told to keep nothing', async () => {
    await save(rows(300));
    const path = store.variantFolder('m', 'int4');
    assert.equal(await openPageFolder(store, { id: 'm', variant: 'int4', path }, 0), null);
    await assert.rejects(stat(store.kvHome));
    assert.equal(await find(rows(300)), 0);
  });

  it('is readable by its user alone', async function () {
    if (process.platform === 'win32') this.skip();
    await save(rows(300));
    const modes = await Promise.all(
      [store.kvHome, store.kvFolder('m', 'int4'), await pathOf(0)].map(
        async path => (await stat(path)).mode & 0o777,
      ),
    );
    assert.deepEqual(modes, [0o700, 0o700, 0o600]);
  });

  for (const [name, damage] of [
    ['a bit of its numbers is another', async (path: string) => flip(path, 2000)],
    ['a bit of its header is another', async (path: string) => flip(path, 100)],
    ['it is cut off', async (path: string) => truncate(path, 5000)],
    ['it is empty', async (path: string) => truncate(path, 0)],
    ['its header claims to be huge', async (path: string) => overwrite(path, 8, [255, 255, 255, 255])],
    ['it is something else', async (path: string) => writeFile(path, 'no page at all')],
  ] as const) {
    it(`ignores and removes a page when ${name}`, async () => {
      await save(rows(200));
      await damage(await pathOf(0));
      for (const folder of [pages, await open()]) assert.equal(await find(rows(200), folder), 0);
      assert.deepEqual(await files(), []);
      assert.equal(await save(rows(200)), '0-200');
      assert.equal(await find(rows(200)), 200);
    });
  }

  it('reads up to a damaged page', async () => {
    await save(rows(600));
    for (const name of await files()) {
      const path = join(store.kvFolder('m', 'int4'), name);
      if ((await stat(path)).size < KV_PAGE_ROWS * ROW_BYTES) await flip(path, 4000);
    }
    assert.equal(await find(rows(600)), 512);
    assert.equal((await files()).length, 2);
  });

  it('keeps a page that cannot be read just now, and what follows it', async function () {
    // A user may not make links there.
    if (process.platform === 'win32') this.skip();
    await save(rows(600));
    const away = join(home, 'away');
    for (const name of await files()) {
      const path = join(store.kvFolder('m', 'int4'), name);
      await rename(path, away);
      // Opening it fails with ELOOP.
      await symlink(path, path);
      assert.ok((await find(rows(600))) < 600);
      await open();
      assert.equal((await files()).length, 3);
      await rm(path);
      await rename(away, path);
      assert.equal(await find(rows(600)), 600);
    }
  });

  it('removes what leads nowhere: pages of weights that are no more, of removed pages, and half-written ones', async () => {
    await save(rows(600));
    const folder = store.kvFolder('m', 'int4');
    await writeFile(join(folder, `${'0'.repeat(64)}.kv.99.tmp`), 'half a page');
    await writeFile(join(folder, 'new.tmp'), 'just begun');
    await utimes(join(folder, `${'0'.repeat(64)}.kv.99.tmp`), 0, 0);
    const manifest = manifestOf('m', 'int4');
    manifest.files['body.data']!.sha256 = '1'.repeat(64);
    await writeManifest(store.variantFolder('m', 'int4'), manifest);
    assert.equal(await find(rows(600), await open()), 0);
    assert.deepEqual(await files(), ['new.tmp']);
  });

  it('bears it that another process removes what it knows, between two looks and while it reads', async () => {
    await save(rows(600));
    const found = await pages.find(rows(600).tokens, () => ALL_EXPERTS);
    await store.removeKv();
    assert.equal((await collect(found!)).tokens.length, 0);
    assert.equal(await find(rows(600)), 0);
    assert.equal(await save(rows(600)), '0-256 256-512 512-600');
    const second = await open();
    await Promise.all([save(rows(900), pages), save(rows(900), second)]);
    for (const folder of [pages, second, await open()]) assert.equal(await find(rows(900), folder), 900);
  });

  it('fails when the folder cannot be written, and leaves nothing behind', async () => {
    await writeFile(join(home, 'kv'), 'a file where the folder should be');
    await assert.rejects(save(rows(300)), /ENOTDIR|EEXIST/);
    await rename(join(home, 'kv'), join(home, 'kv.txt'));
    await mkdir(store.kvFolder('m', 'int4'), { recursive: true });
    await mkdir(join(store.kvFolder('m', 'int4'), await keyOfFirstPage(), 'x'), { recursive: true });
    await assert.rejects(save(rows(300)));
    assert.deepEqual(
      (await files()).filter(name => name.endsWith('.tmp')),
      [],
    );
  });

  async function keyOfFirstPage(): Promise<string> {
    const twin = await mkdtemp(join(tmpdir(), 'moebius-kv-'));
    const other = await openStore(twin);
    const path = store.variantFolder('m', 'int4');
    const folder = (await openPageFolder(other, { id: 'm', variant: 'int4', path }, MEGABYTE))!;
    await save(rows(256), folder);
    const [name] = await readdir(other.kvFolder('m', 'int4'));
    await rm(twin, { recursive: true });
    return name!;
  }

  it('trims to nothing', async () => {
    await save(rows(600));
    assert.equal(await trimKvFiles(store.kvHome, 0), 0);
    assert.deepEqual(await files(), []);
  });
});

async function flip(path: string, at: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[at]! ^= 1;
  await writeFile(path, bytes);
}

async function overwrite(path: string, at: number, values: number[]): Promise<void> {
  const bytes = await readFile(path);
  bytes.set(values, at);
  await writeFile(path, bytes);
}
