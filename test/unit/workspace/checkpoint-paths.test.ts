import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import promises from 'node:fs/promises';
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

  describe('a turn that changes a file again and again', () => {
    const open = (capBytes: number) =>
      new Checkpoints(folder, { read: async () => null, write: async () => {} }, capBytes);
    const blobs = () => readdirSync(join(folder, 'blobs')).map(name => join(folder, 'blobs', name));
    /** As if all that is there had been written long ago. */
    const age = () => {
      for (const path of blobs()) utimesSync(path, 0, 0);
    };
    const text = (letter: string) => state(letter.repeat(1000));
    const change = (checkpoints: Checkpoints, turn: string, before: FileState, after: FileState) =>
      checkpoints.record(turn, [{ path: 'a', before, after }]);

    it('leaves nothing behind that counts, and no other turn is forgotten for it', async () => {
      const checkpoints = open(4500);
      await change(checkpoints, 'old', text('a'), text('b'));
      await new Promise(resolve => setTimeout(resolve, 2));
      for (const letter of 'cdefgh') await change(checkpoints, 'new', text('b'), text(letter));
      const ids = (await checkpoints.turns()).map(({ id }) => id);
      assert.deepEqual(ids, ['old', 'new'], 'what was written just now takes no turn with it');
      age();
      await change(checkpoints, 'new', text('b'), text('i'));
      assert.equal(blobs().length, 3, 'a, b, i');
      assert.equal((await checkpoints.turns()).length, 2);
      assert.deepEqual(await checkpoints.before('old', 'a'), text('a'));
      assert.deepEqual(await checkpoints.before('new', 'a'), text('b'));
    });

    it('keeps what another window is about to name', async () => {
      const [one, other] = [open(1e6), open(1e6)];
      for (const letter of 'bc') await change(one, 'one', text('a'), text(letter));
      age();
      const { writeFile } = promises;
      // `b` is no longer named. The other window has found it there, and its turn is not written yet.
      promises.writeFile = async (file, ...rest) => {
        if (String(file).includes('turns')) {
          promises.writeFile = writeFile;
          await change(one, 'one', text('a'), text('e'));
        }
        return writeFile(file, ...rest);
      };
      await change(other, 'other', text('b'), text('b')).finally(() =>
        Object.assign(promises, { writeFile }),
      );
      assert.deepEqual(await other.before('other', 'a'), text('b'));
    });

    it('does not take a turn that can not be read now for one that names nothing', async () => {
      const checkpoints = open(1e6);
      await change(checkpoints, 'one', text('a'), text('b'));
      age();
      const { readFile } = promises;
      const failed = Object.assign(new Error('too many open files'), { code: 'EMFILE' });
      Object.assign(promises, { readFile: () => Promise.reject(failed) });
      const recorded = change(checkpoints, 'two', text('b'), text('c'));
      await assert.rejects(recorded, failed).finally(() => Object.assign(promises, { readFile }));
      assert.deepEqual(await checkpoints.before('one', 'a'), text('a'));
    });
  });
});
