import '../../../support/vscode.ts';

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { openFile } from '../../../../src/host/agent/user-place.ts';
import { WorkspaceFolders } from '../../../../src/workspace/folders.ts';
import { tempFolder } from '../../../support/temp-folder.ts';
import { editor, Position, Range, TextDocument, Uri } from '../../../support/vscode.ts';

describe('the file in front of the user', () => {
  beforeEach(() => editor.reset());

  it('is that of the editor, with what is selected in it', async () => {
    const root = tempFolder({ 'a.ts': 'one\ntwo\n' });
    const folders = await WorkspaceFolders.open([root]);
    assert.equal(openFile(folders), null);
    editor.open(join(root, 'a.ts'));
    assert.deepEqual(openFile(folders), { path: 'a.ts', selection: null });
    const selection = new Range(new Position(0, 1), new Position(1, 2));
    editor.shown[0]!.selection = selection as (typeof editor.shown)[0]['selection'];
    assert.deepEqual(openFile(folders), { path: 'a.ts', selection: { startLine: 1, endLine: 2 } });
    editor.open(join(tempFolder({ 'b.ts': '' }), 'b.ts'));
    assert.equal(openFile(folders), null, 'outside');
  });

  it('is the notebook of a cell, whose lines are none of the file', async () => {
    const root = tempFolder({ 'a.ipynb': '{}' });
    const folders = await WorkspaceFolders.open([root]);
    const uri = Uri.file(join(root, 'a.ipynb'));
    editor.notebooks = [{ uri, getCells: () => [] }];
    const cell = new TextDocument(join(root, 'a.ipynb'), 'print(1)\n');
    Object.assign(cell, { uri: Uri.parse(`${uri}#c1`.replace('file:', 'vscode-notebook-cell:')) });
    editor.show(cell).selection = new Range(0, 0, 0, 5) as (typeof editor.shown)[0]['selection'];
    assert.deepEqual(openFile(folders), { path: 'a.ipynb', selection: null });
  });
});
