import '../../support/vscode.ts';

import assert from 'node:assert/strict';
import { basename, join } from 'node:path';
import { AttachmentReader } from '../../../src/host/chat/attachments.ts';
import { agentCommands } from '../../../src/host/commands/agent-commands.ts';
import { workspacePath, workspaceUri } from '../../../src/host/workspace-path.ts';
import { WorkspaceFolders } from '../../../src/workspace/folders.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { editor, Range, Uri } from '../../support/vscode.ts';

const uriOf = (...path: [string, ...string[]]) => Uri.file(join(...path)) as never;

describe('paths of the workspace', () => {
  beforeEach(() => editor.reset());

  /** Two folders of one name. */
  const openTwo = () => {
    editor.folders = [1, 2].map(() => join(tempFolder({ 'app/src/a.ts': 'let a;\n' }), 'app'));
    return editor.folders as [string, string];
  };

  it('have no name before them in a single folder', () => {
    const root = tempFolder({ 'app/a.ts': '' });
    editor.folders = [root];
    assert.equal(workspacePath(uriOf(root, 'app/a.ts')), 'app/a.ts');
    assert.equal(workspaceUri('app/a.ts').fsPath, join(root, 'app/a.ts'));
  });

  it('are those by which the tools know the files, also where two folders have one name', async () => {
    const roots = openTwo();
    const tools = await WorkspaceFolders.open(roots, ['app', 'app']);
    for (const [index, root] of roots.entries()) {
      const path = workspacePath(uriOf(root, 'src/a.ts'));
      assert.equal(path, ['app/src/a.ts', 'app-2/src/a.ts'][index]);
      assert.equal(path, tools.toPath(join(root, 'src/a.ts')));
      assert.equal(workspaceUri(path).fsPath, join(root, 'src/a.ts'));
    }
    for (const path of ['src/a.ts', 'app-3/src/a.ts'])
      assert.throws(() => workspaceUri(path), { code: 'not-found' });
    const outside = tempFolder({ 'b.ts': '' });
    assert.equal(workspacePath(uriOf(outside, 'b.ts')), join(outside, 'b.ts'));
  });

  it('are those of the inner folder where one lies in another, whichever was opened first', async () => {
    const root = tempFolder({ 'b.ts': '', 'packages/api/a.ts': '' });
    const api = join(root, 'packages/api');
    for (const roots of [
      [root, api],
      [api, root],
    ]) {
      editor.folders = roots;
      const tools = await WorkspaceFolders.open(roots);
      for (const [file, path] of [
        [join(api, 'a.ts'), 'api/a.ts'],
        [api, 'api'],
        [join(root, 'b.ts'), `${basename(root)}/b.ts`],
      ] as const)
        assert.deepEqual([workspacePath(uriOf(file)), tools.toPath(file)], [path, path]);
    }
  });

  it('label what is attached, and name the file of a problem', async () => {
    const [, root] = openTwo();
    const reader = new AttachmentReader(
      async () => null,
      () => 1000,
      assert.fail,
    );
    const [attached] = await reader.read({ kind: 'path', path: 'app-2/src/a.ts' });
    assert.equal(attached?.label, 'app-2/src/a.ts');
    const tasks: string[] = [];
    const chat = { task: async (text: string) => void tasks.push(text) };
    const fix = (agentCommands as (chat: object) => Record<string, (...args: unknown[]) => Promise<void>>)(
      chat,
    )['moebius.agent.fixProblem']!;
    await fix(Uri.file(join(root, 'src/a.ts')), new Range(0, 0, 0, 1), 'No.');
    assert.deepEqual(tasks, ['Fix the problem in app-2/src/a.ts, line 1.']);
  });
});
