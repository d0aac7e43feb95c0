import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Checkpoints, type FileState } from '../../../src/workspace/checkpoints.ts';

const state = (text: string): FileState => ({ bytes: Buffer.from(text), mode: 0o644 });

describe('workspace/checkpoints, file by file', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'moebius-checkpoints-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('knows what a file was, and takes back only the files that are named', async () => {
    const files = new Map([
      ['a', state('A')],
      ['b', state('B')],
    ]);
    const checkpoints = new Checkpoints(
      folder,
      {
        read: async path => files.get(path) ?? null,
        write: async states => {
          for (const [path, now] of states) files.set(path, now);
        },
      },
      1e6,
    );
    await checkpoints.record('turn', [
      { path: 'a', before: state('a'), after: state('A') },
      { path: 'b', before: state('b'), after: state('B') },
    ]);
    const text = (one: FileState | undefined) => (one ? Buffer.from(one.bytes).toString() : null);
    assert.equal(text(await checkpoints.before('turn', 'a')), 'a');
    assert.equal(await checkpoints.before('turn', 'c'), null);
    assert.deepEqual((await checkpoints.undo('turn', [], ['b'])).restored, ['b']);
    assert.deepEqual([text(files.get('a')), text(files.get('b'))], ['A', 'b']);
  });
});
