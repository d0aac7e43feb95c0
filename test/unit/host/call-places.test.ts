import '../../support/vscode.ts';

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { signatureChangeBetween } from '../../../src/completion/signature.ts';
import { callPlace } from '../../../src/host/next-edit/call-places.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { editor, type Range } from '../../support/vscode.ts';

describe('host/call-places', () => {
  beforeEach(() => editor.reset());

  it('finds the calls below the declaration and then those above, though edits above move it', async () => {
    const text = 'add(\n    1,\n)\nadd(2)\ndef add():\n    add(3)\n';
    const path = join(tempFolder(), 'a.py');
    writeFileSync(path, text);
    const document = editor.open(path);
    const change = signatureChangeBetween(text.replace('def add()', 'def add(a)'), text)!;
    const changed = { document, change, moved: 0 } as unknown as Parameters<typeof callPlace>[0];
    const { signal } = new AbortController();
    const taken: string[] = [];
    for (let place = await callPlace(changed, null, signal); place; place = await place.next(signal)) {
      const range = place.range as unknown as Range;
      taken.push(document.getText(range).trim());
      document.apply([{ range, text: place.text }]);
    }
    assert.deepEqual(taken, ['3', '1,', '2']);
    assert.equal(document.getText(), 'add()\nadd()\ndef add():\n    add()\n');
  });
});
