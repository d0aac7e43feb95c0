import '../../support/vscode.ts';

import assert from 'node:assert/strict';
import { cursorAt } from '../../../src/host/cursor-reader.ts';
import { editor, Position, TextDocument, Uri } from '../../support/vscode.ts';

describe('host/cursor-reader', () => {
  beforeEach(() => editor.reset());

  it('of a long document begins behind a docstring that is open where it is cut', () => {
    const story = `    """${'    A long story.\n'.repeat(500)}    """`;
    const code = '\n    return 1\n'.repeat(600);
    const text = `import os\n\ndef f():\n${story}${code}`;
    const document = new TextDocument('/a.py', text);
    const { before } = cursorAt(document as never, document.positionAt(text.length) as never);
    assert.equal(before, code);
  });

  it('in a notebook goes on where cells of the same language ended', () => {
    const cell = (text: string, languageId = 'python', kind = 2) => ({
      kind,
      document: {
        uri: Uri.parse('vscode-notebook-cell:/a.ipynb'),
        languageId,
        getText: () => text,
        validatePosition: (position: Position) => position,
      },
    });
    const own = cell('');
    const cells = [
      cell('import os'),
      cell('# A title', 'markdown', 1),
      cell('select 1', 'sql'),
      own,
      cell('print(1)'),
      cell('select 2', 'sql'),
    ];
    editor.notebooks = [{ getCells: () => cells }];
    const { before, after } = cursorAt(own.document as never, new Position(0, 0) as never);
    assert.deepEqual([before, after], ['import os\n\n', '\n\nprint(1)']);
  });
});
