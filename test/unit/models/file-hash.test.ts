import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashFile, hashWeights, weightsBytes } from '../../../src/models/file-hash.ts';

describe('hash of published weights', () => {
  const folder = mkdtempSync(join(tmpdir(), 'moebius-hash-'));
  after(() => rmSync(folder, { recursive: true }));
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);

  it("is a file's own, and covers every name and byte in a folder", async () => {
    write('a', 'one');
    write('b', 'three');
    mkdirSync(join(folder, 'inner'));
    assert.equal(await hashWeights(join(folder, 'a')), await hashFile(join(folder, 'a')));
    assert.deepEqual([await weightsBytes(folder), await weightsBytes(join(folder, 'b'))], [8, 5]);

    const done: number[] = [];
    const before = await hashWeights(folder, { onProgress: bytes => done.push(bytes) });
    assert.equal(done.at(-1), 8);
    write('b', 'threE');
    const other = await hashWeights(folder);
    assert.notEqual(other, before);
    write('b', 'three');
    assert.equal(await hashWeights(folder), before);
  });

  it('says which file is not there', async () => {
    await assert.rejects(hashWeights(join(folder, 'none')), /There is no file .*none/);
    assert.equal(await weightsBytes(join(folder, 'none')), 0);
  });
});
