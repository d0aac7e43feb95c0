import '../../../support/vscode.ts';

import assert from 'node:assert/strict';
import type * as vscode from 'vscode';
import { CodeActions } from '../../../../src/host/code/code-actions.ts';
import { editor, Range, Uri } from '../../../support/vscode.ts';

describe('host/code/code-actions', () => {
  beforeEach(() => {
    editor.reset();
    editor.folders = ['/work'];
  });

  function offered(uri = 'file:///work/a.ts'): string[] {
    const range = new Range(1, 0, 1, 0);
    const context = { diagnostics: [{ severity: 0, range, message: 'Wrong.' }] };
    const actions = new CodeActions().provideCodeActions(
      { uri: Uri.parse(uri) } as unknown as vscode.TextDocument,
      range as unknown as vscode.Range,
      context as unknown as vscode.CodeActionContext,
    );
    return actions.map(({ title }) => title.replace('Moebius: ', ''));
  }
  const WITHOUT_AGENT = ['Fix with the local model', 'Explain this problem'];

  it('offers the agent for a problem', () => {
    assert.deepEqual(offered(), [...WITHOUT_AGENT, 'Fix with the agent']);
  });

  it('does not where there is none: no folder, no trust, a document that is no file', () => {
    assert.deepEqual(offered('untitled:Untitled-1'), WITHOUT_AGENT);
    editor.isTrusted = false;
    assert.deepEqual(offered(), WITHOUT_AGENT);
    editor.isTrusted = true;
    editor.folders = [];
    assert.deepEqual(offered(), WITHOUT_AGENT);
  });
});
