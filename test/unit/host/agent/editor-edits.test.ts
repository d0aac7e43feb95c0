import '../../../support/vscode.ts';

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FileChange } from '../../../../src/agent/ports.ts';
import { EditorEdits } from '../../../../src/host/agent/editor-edits.ts';
import { EditorFileStates, editorWorkspace } from '../../../../src/host/agent/editor-files.ts';
import { Checkpoints } from '../../../../src/workspace/checkpoints.ts';
import { WorkspaceFolders } from '../../../../src/workspace/folders.ts';
import { NodeEdits } from '../../../../src/workspace/node-edits.ts';
import { tempFolder } from '../../../support/temp-folder.ts';
import { editor, Uri } from '../../../support/vscode.ts';

describe('edits of the agent in the editor', () => {
  beforeEach(() => editor.reset());

  async function open(files: Record<string, string | Uint8Array>) {
    const root = tempFolder(files);
    const folders = await WorkspaceFolders.open([root]);
    const states = new EditorFileStates(folders);
    const checkpoints = new Checkpoints(join(tempFolder(), 'checkpoints'), states, 1_000_000);
    const edits = new EditorEdits(folders, new NodeEdits(folders, checkpoints), checkpoints);
    const workspace = editorWorkspace(folders);
    /** Replaces one text in a file, for the version that is read now. */
    const replace = async (path: string, from: string, to: string): Promise<FileChange> => {
      const { text, version } = await workspace.read(path);
      const start = text.indexOf(from);
      const replacements = [{ start, end: start + from.length, text: to }];
      return { kind: 'edit', path, version, replacements };
    };
    /** A document with something typed at its beginning. */
    const dirty = (path: string, typed = 'mine ') => {
      const document = editor.open(join(root, path));
      document.type(typed, 0);
      return document;
    };
    const onDisk = (path: string) => readFileSync(join(root, path), 'utf8');
    return { root, states, checkpoints, edits, workspace, replace, dirty, onDisk };
  }

  it('reads and edits unsaved text, and leaves the file to the user', async () => {
    const { edits, replace, dirty, onDisk, workspace, checkpoints } = await open({ 'a.ts': 'one\n' });
    const document = dirty('a.ts');
    assert.equal((await workspace.read('a.ts')).text, 'mine one\n');
    const [changed] = await edits.apply([await replace('a.ts', 'one', 'two')], 't1');
    assert.deepEqual([document.getText(), onDisk('a.ts')], ['mine two\n', 'one\n']);
    assert.deepEqual([changed?.addedLines, changed?.removedLines], [1, 1]);
    assert.deepEqual(await checkpoints.undo('t1', []), { restored: ['a.ts'], conflicts: [], lost: [] });
    assert.deepEqual([document.getText(), document.isDirty, onDisk('a.ts')], ['mine one\n', true, 'one\n']);
  });

  it('undo keeps what the user typed between two edits of a turn, and takes several edits for no one else', async () => {
    const { edits, replace, dirty, checkpoints } = await open({ 'a.ts': 'one\r\ntwo\r\n', 'b.ts': 'one\n' });
    const [a, b] = [dirty('a.ts'), dirty('b.ts')];
    // The editor makes the line ends its own: what comes of the edit is recorded once more.
    for (const [from, to] of [
      ['one', 'ONE\n1.5'],
      ['two', 'TWO\n2.5'],
    ] as const)
      await edits.apply([await replace('a.ts', from, to)], 't1');
    await edits.apply([await replace('b.ts', 'one', 'two')], 't1');
    b.type('more ', 0);
    await edits.apply([await replace('b.ts', 'two', 'three')], 't1');
    assert.deepEqual(await checkpoints.undo('t1'), { restored: ['a.ts'], conflicts: ['b.ts'], lost: [] });
    assert.deepEqual([a.getText(), b.getText()], ['mine one\r\ntwo\r\n', 'more mine three\n']);
  });

  it('refuses what was read before the user typed, and what was read from the file', async () => {
    const { edits, replace, dirty } = await open({ 'a.ts': 'one\n' });
    const fromDisk = await replace('a.ts', 'one', 'two');
    const document = dirty('a.ts');
    const unsaved = await replace('a.ts', 'one', 'two');
    document.type('more ', 0);
    for (const change of [fromDisk, unsaved])
      await assert.rejects(edits.apply([change], 't1'), { code: 'stale' });
    assert.equal(document.getText(), 'more mine one\n');
  });

  it('keeps line ends, byte order mark and encoding of what it puts back', async () => {
    const bom = '\uFEFF';
    const { edits, replace, states, root, onDisk } = await open({ 'a.ts': `${bom}one\r\ntwo\r\n` });
    const document = editor.open(join(root, 'a.ts'));
    // The editor shows a file without its mark.
    document.type('', 0, 1);
    const change = await replace('a.ts', 'one', 'ONE\r\nand more');
    await edits.apply([change], 't1');
    assert.equal(document.getText(), 'ONE\r\nand more\r\ntwo\r\n');
    const state = await states.read('a.ts');
    assert.equal(Buffer.from(state!.bytes).toString(), `${bom}ONE\r\nand more\r\ntwo\r\n`);
    assert.equal(onDisk('a.ts'), `${bom}one\r\ntwo\r\n`);
  });

  it('all or nothing: what was changed in the editor goes back when a later file fails', async () => {
    const { edits, replace, dirty, onDisk, root } = await open({
      'a.ts': 'one\n',
      'b.ts': 'one\n',
      'c.ts': 'one\n',
    });
    const [a, b] = [dirty('a.ts'), dirty('b.ts')];
    const changes = await Promise.all(['a.ts', 'b.ts', 'c.ts'].map(path => replace(path, 'one', 'two')));
    writeFileSync(join(root, 'c.ts'), 'changed meanwhile\n');
    await assert.rejects(edits.apply(changes, 't1'), { code: 'stale' });
    assert.deepEqual(
      [a.getText(), b.getText(), onDisk('c.ts')],
      ['mine one\n', 'mine one\n', 'changed meanwhile\n'],
    );
    b.isReadOnly = true;
    await assert.rejects(edits.apply(changes.slice(0, 2), 't2'), { code: 'busy' });
    assert.equal(a.getText(), 'mine one\n');
  });

  /** Runs `type` while the change of a path is being recorded, which is before it is made. */
  function whileRecording(checkpoints: Checkpoints, path: string, type: () => void): void {
    const record = checkpoints.record.bind(checkpoints);
    let isTyped = false;
    checkpoints.record = async (turnId, changes) => {
      await record(turnId, changes);
      if (!isTyped && changes.some(change => change.path === path)) {
        isTyped = true;
        type();
      }
    };
  }

  it('what the user types while an edit is on its way is not hit by it', async () => {
    const { edits, replace, dirty, checkpoints } = await open({ 'a.ts': 'one\n' });
    const document = dirty('a.ts');
    const change = await replace('a.ts', 'one', 'two');
    whileRecording(checkpoints, 'a.ts', () => document.type('more ', 0));
    await assert.rejects(edits.apply([change], 't1'), { code: 'stale' });
    assert.equal(document.getText(), 'more mine one\n');
    await edits.apply([await replace('a.ts', 'one', 'two')], 't1');
    assert.equal(document.getText(), 'more mine two\n');
  });

  it('what the user has typed after an edit is not written over when it is taken back, and the model is told', async () => {
    const { edits, replace, dirty, checkpoints } = await open({ 'a.ts': 'one\n', 'b.ts': 'one\n' });
    const [a, b] = [dirty('a.ts'), dirty('b.ts')];
    const changes = [await replace('a.ts', 'one', 'two'), await replace('b.ts', 'one', 'two')];
    whileRecording(checkpoints, 'b.ts', () => {
      a.type('more ', 0);
      b.isReadOnly = true;
    });
    await assert.rejects(edits.apply(changes, 't1'), {
      code: 'busy',
      message: /The change of a\.ts is still there/,
    });
    assert.deepEqual([a.getText(), b.getText()], ['more mine two\n', 'mine one\n']);
  });

  it('an edit that can not be recorded is taken back as well', async () => {
    const { edits, replace, dirty, checkpoints } = await open({ 'a.ts': 'one\n' });
    const document = dirty('a.ts');
    const record = checkpoints.record.bind(checkpoints);
    checkpoints.record = async (turnId, changes) => {
      if (document.getText().includes('two')) throw new Error('ENOSPC');
      await record(turnId, changes);
    };
    await assert.rejects(edits.apply([await replace('a.ts', 'one', 'two')], 't1'), /ENOSPC/);
    assert.equal(document.getText(), 'mine one\n');
  });

  it('does not delete a file with unsaved changes', async () => {
    const { edits, dirty, workspace } = await open({ 'a.ts': 'one\n' });
    dirty('a.ts');
    const { version } = await workspace.read('a.ts');
    await assert.rejects(edits.apply([{ kind: 'delete', path: 'a.ts', version }], 't1'), { code: 'refused' });
  });

  it('changes no notebook with unsaved cells, neither by an edit nor by taking one back', async () => {
    const { root, edits, workspace, replace, checkpoints, onDisk } = await open({
      'a.ipynb': 'one\n',
      'b.ts': 'one\n',
    });
    const notebook = { uri: Uri.file(join(root, 'a.ipynb')), isDirty: false, getCells: () => [] };
    editor.notebooks = [notebook];
    const changes = [await replace('b.ts', 'one', 'two'), await replace('a.ipynb', 'one', 'two')];
    await edits.apply(changes, 't1');
    notebook.isDirty = true;
    const again = [await replace('b.ts', 'two', 'three'), await replace('a.ipynb', 'two', 'three')];
    const { version } = await workspace.read('a.ipynb');
    const message = /^a\.ipynb is open as a notebook .* Save it first\.$/;
    await assert.rejects(edits.apply(again, 't2'), { code: 'refused', message });
    await assert.rejects(edits.apply([{ kind: 'delete', path: 'a.ipynb', version }], 't2'), { message });
    await assert.rejects(checkpoints.undo('t1', []), { message });
    assert.deepEqual([onDisk('a.ipynb'), onDisk('b.ts')], ['two\n', 'two\n']);
  });

  it('puts back files on disk and unsaved documents in one go', async () => {
    const { states, dirty, onDisk } = await open({ 'a.ts': 'one\n', 'b.ts': 'one\n' });
    const document = dirty('a.ts');
    const state = (text: string) => ({ bytes: Buffer.from(text), mode: 0o644 });
    await states.write(
      new Map([
        ['a.ts', state('A\n')],
        ['b.ts', state('B\n')],
        ['new.ts', state('N\n')],
      ]),
    );
    assert.deepEqual(
      [document.getText(), onDisk('a.ts'), onDisk('b.ts'), onDisk('new.ts')],
      ['A\n', 'one\n', 'B\n', 'N\n'],
    );
    document.isReadOnly = true;
    await assert.rejects(states.write(new Map([['a.ts', state('C\n')]])), { code: 'busy' });
  });
});
