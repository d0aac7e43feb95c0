/** What the buttons of a code block and the links of an answer do. */
import * as vscode from 'vscode';
import { MoebiusError } from '../../base/errors.ts';

/** Replaces the selection of the active editor, or inserts at its cursor; one step of undo. */
export async function insertAtCursor(text: string): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  if (!editor)
    throw new MoebiusError('not-found', 'No editor is open to insert into. Open a file, or use New File.');
  const { document, selections } = editor;
  const { version } = document;
  const isNeeded = selections.some(selection => document.getText(selection) !== text);
  const isTaken = await editor.edit(edit => {
    for (const selection of selections) edit.replace(selection, text);
  });
  // A read-only editor says that it is done, and leaves the text as it was.
  if (!isTaken || (isNeeded && document.version === version))
    throw new MoebiusError('unsupported', 'The active editor can not be changed.');
  await vscode.window.showTextDocument(document, editor.viewColumn);
}

/** `language` is what the block's fence says; an unknown one makes a plain text file. */
export async function openAsNewFile(text: string, language: string): Promise<void> {
  const known = await vscode.languages.getLanguages();
  const id = LANGUAGE_IDS[language.toLowerCase()] ?? language.toLowerCase();
  const options = known.includes(id) ? { content: text, language: id } : { content: text };
  await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(options));
}

/** Names that models write and VS Code calls otherwise. */
const LANGUAGE_IDS: Record<string, string> = {
  ts: 'typescript',
  tsx: 'typescriptreact',
  js: 'javascript',
  jsx: 'javascriptreact',
  py: 'python',
  rs: 'rust',
  rb: 'ruby',
  cs: 'csharp',
  sh: 'shellscript',
  bash: 'shellscript',
  shell: 'shellscript',
  yml: 'yaml',
  md: 'markdown',
  'c++': 'cpp',
};

/** Asks the editor to open an https address; VS Code shows it and asks for trust first. Others are ignored. */
export async function openLink(href: string): Promise<void> {
  if (!URL.canParse(href) || new URL(href).protocol !== 'https:') return;
  await vscode.env.openExternal(vscode.Uri.parse(href, true));
}
