import '../../support/vscode.ts';

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { insertAtCursor } from '../../../src/host/chat/code-blocks.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { editor } from '../../support/vscode.ts';

describe('host/chat/code-blocks', () => {
  beforeEach(() => editor.reset());
  const open = (text: string) => editor.open(join(tempFolder({ 'a.ts': text }), 'a.ts'));

  it('inserts at the cursor', async () => {
    const document = open('b\n');
    await insertAtCursor('a\n');
    assert.equal(document.getText(), 'a\nb\n');
  });

  it('says so where nothing can be inserted: no editor, or one that is read-only', async () => {
    await assert.rejects(insertAtCursor('a'), { code: 'not-found' });
    const document = open('b\n');
    document.isReadOnly = true;
    await assert.rejects(insertAtCursor('a'), { code: 'unsupported' });
    assert.equal(document.getText(), 'b\n');
    await insertAtCursor('');
  });
});
