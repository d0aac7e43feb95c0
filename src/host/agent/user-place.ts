/** Where the user is and what they attached, as the agent is told it. */
import * as vscode from 'vscode';
import type { AgentContext } from '../../agent/agent.ts';
import type { Ask } from '../../agent/transcript.ts';
import type { WorkspaceFolders } from '../../workspace/folders.ts';

export function userPlace(folders: WorkspaceFolders, { attachments }: Ask): AgentContext {
  return {
    openFile: openFile(folders),
    attachments: attachments.map(({ kind, label, language, text, cut }) => ({
      label: cut === null ? label : `${label} (${cut})`,
      language,
      text,
      isProblem: kind === 'problems',
    })),
  };
}

export function openFile(folders: WorkspaceFolders): AgentContext['openFile'] {
  const editor = vscode.window.activeTextEditor ?? vscode.window.visibleTextEditors[0];
  if (editor?.document.uri.scheme !== 'file') return null;
  const path = folders.toPath(editor.document.uri.fsPath);
  if (path === null) return null;
  const { selection } = editor;
  const lines = { startLine: selection.start.line + 1, endLine: selection.end.line + 1 };
  return { path, selection: selection.isEmpty ? null : lines };
}
