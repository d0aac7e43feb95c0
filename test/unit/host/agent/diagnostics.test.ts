import '../../../support/vscode.ts';

import assert from 'node:assert/strict';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EditorDiagnostics } from '../../../../src/host/agent/diagnostics.ts';
import { WorkspaceFolders } from '../../../../src/workspace/folders.ts';
import { tempFolder } from '../../../support/temp-folder.ts';
import { editor, Range } from '../../../support/vscode.ts';

describe('host/agent/diagnostics', () => {
  beforeEach(() => editor.reset());

  const problem = (message: string) => ({ range: new Range(0, 0, 0, 3), severity: 0, message, source: 'ts' });
  const after = (ms: number, act: () => void) => setTimeout(act, ms);

  async function open(files: Record<string, string>) {
    const root = tempFolder(files);
    return { root, diagnostics: new EditorDiagnostics(await WorkspaceFolders.open([root])) };
  }
  const read = async (diagnostics: EditorDiagnostics, paths: string[] | null) =>
    (await diagnostics.read(paths)).map(({ path, message }) => `${path}: ${message}`);

  it('are those of a file however its path is written', async () => {
    const { root, diagnostics } = await open({ 'a.ts': 'one', 'b.ts': 'one' });
    symlinkSync('a.ts', join(root, 'link.ts'));
    for (const name of ['a.ts', 'b.ts']) editor.diagnose(editor.open(join(root, name)).uri, [problem(name)]);
    const expected = ['a.ts: a.ts'];
    assert.deepEqual(await read(diagnostics, ['./a.ts', 'src/../a.ts']), expected);
    assert.deepEqual(await read(diagnostics, ['link.ts']), expected);
  });

  it('are of the text that was just written, also where the editor and the server take it later', async () => {
    for (const paths of [['a.ts'], null]) {
      const { root, diagnostics } = await open({ 'a.ts': 'old\r\nline\n' });
      const document = editor.open(join(root, 'a.ts'));
      editor.diagnose(document.uri, [problem('old')]);
      writeFileSync(join(root, 'a.ts'), 'new');
      after(700, () => {
        document.reload();
        after(800, () => editor.diagnose(document.uri, [problem('new')]));
      });
      assert.deepEqual(await read(diagnostics, paths), ['a.ts: new']);
    }
  });
});
