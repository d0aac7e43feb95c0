/** Where the user is and what they attached, as the agent is told it. */
import * as vscode from 'vscode';
import type { AgentContext } from '../../agent/agent.ts';
import type { Ask } from '../../agent/transcript.ts';
import type { WorkspaceFolders } from '../../workspace/folders.ts';
import { fileOf } from '../notebook.ts';

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
  if (!editor) return null;
  const { uri } = editor.document;
  const file = fileOf(uri);
  const path = file.scheme === 'file' ? folders.toPath(file.fsPath) : null;
  if (path === null) return null;
  // Lines of a cell are none of its notebook's file.
  if (file !== uri) return { path, selection: null };
  const { selection } = editor;
  const lines = { startLine: selection.start.line + 1, endLine: selection.end.line + 1 };
  return { path, selection: selection.isEmpty ? null : lines };
}
