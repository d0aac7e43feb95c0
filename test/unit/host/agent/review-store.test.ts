import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Review, ReviewStore } from '../../../../src/host/agent/review-store.ts';

describe('host/agent/review-store', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'moebius-review-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const path = () => join(folder, 'storage/review.json');
  const file = (name: string): string => {
    writeFileSync(join(folder, name), 'x');
    return pathToFileURL(join(folder, name)).href;
  };
  const review = (before: string, ...keys: string[]): Review => ({ before, keys: new Set(keys) });
  const reloaded = () => new ReviewStore(path()).load();

  it('gives back what was not decided about, in another window', async () => {
    const reviews = new Map([
      [file('a b.ts'), review('one\n', 'k1', 'k2')],
      [file('c.ts'), review('')],
    ]);
    await new ReviewStore(path()).save(reviews);
    assert.deepEqual(await reloaded(), reviews);
  });

  it('of several saves in a row the last one counts', async () => {
    const store = new ReviewStore(path());
    const uri = file('a.ts');
    const saves = ['1', '2', '3'].map(before => store.save(new Map([[uri, review(before)]])));
    await Promise.all(saves);
    assert.equal((await reloaded()).get(uri)?.before, '3');
  });

  it('is empty at first, when it is damaged, and for files that are gone', async () => {
    const none = new Map();
    assert.deepEqual(await reloaded(), none);
    const store = new ReviewStore(path());
    await store.save(
      new Map([
        [pathToFileURL(join(folder, 'gone.ts')).href, review('x')],
        ['untitled:1', review('x')],
      ]),
    );
    assert.deepEqual(await reloaded(), none);
    for (const text of ['[{"uri":', '{"uri": 1}', '[{"uri": "file:///a", "before": 1, "keys": []}]']) {
      writeFileSync(path(), text);
      assert.deepEqual(await reloaded(), none, text);
    }
  });

  it('forgets the oldest when there is too much', async () => {
    const [old, recent, newest] = [file('1.ts'), file('2.ts'), file('3.ts')];
    await new ReviewStore(path()).save(
      new Map([
        [old!, review('o')],
        [recent!, review('r'.repeat(6_000_000))],
        [newest!, review('n'.repeat(1_000_000), 'k'.repeat(1_500_000))],
      ]),
    );
    assert.deepEqual([...(await reloaded()).keys()], [newest]);
    assert.ok(statSync(path()).size < 3_000_000);
  });
});
