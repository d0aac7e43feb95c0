import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addExperts, readExperts } from '../../../../src/daemon/kv/expert-file.ts';
import { openPageFolder } from '../../../../src/daemon/kv/page-folder.ts';
import { openStore } from '../../../../src/models/store.ts';
import { installModel } from '../../models/converted-model.ts';

describe('daemon: which experts were used', () => {
  let home: string;
  let folder: string;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'moebius-experts-'));
    folder = join(home, 'kv', 'm', 'int4');
  });
  afterEach(() => rm(home, { recursive: true, force: true }));

  it('is kept from run to run, and what was long ago counts less', async () => {
    assert.deepEqual(await readExperts(folder), []);
    await addExperts(folder, [{ layer: 3, tokens: [8, 0, 2] }]);
    await addExperts(folder, [
      { layer: 3, tokens: [0, 1, 0] },
      { layer: 4, tokens: [5] },
    ]);
    assert.deepEqual(await readExperts(folder), [
      { layer: 3, tokens: [4, 1, 1] },
      { layer: 4, tokens: [5] },
    ]);
    await addExperts(folder, []);
    assert.equal((await readExperts(folder)).length, 2);
    assert.deepEqual(await readdir(folder), ['experts.json']);
    assert.equal((await stat(join(folder, 'experts.json'))).mode & 0o777, 0o600);
  });

  it('is nothing where the file is damaged', async () => {
    await addExperts(folder, [{ layer: 0, tokens: [1] }]);
    for (const text of ['[', '[{"layer":-1,"tokens":[]}]', '[{"layer":0,"tokens":["a"]}]']) {
      await writeFile(join(folder, 'experts.json'), text);
      assert.deepEqual(await readExperts(folder), []);
    }
  });

  it('stays beside the pages, and goes with them', async () => {
    const store = await openStore(home);
    await installModel(store.variantFolder('m', 'int4'), 'm', 'int4');
    await addExperts(folder, [{ layer: 0, tokens: [1] }]);
    await utimes(join(folder, 'experts.json'), 0, 0);
    const pages = await openPageFolder(store, await store.find('m', 'int4'), 1e6);
    assert.equal(pages!.folder, folder);
    assert.equal((await readExperts(folder)).length, 1);
    await store.removeKv('m');
    assert.deepEqual(await readExperts(folder), []);
  });
});
