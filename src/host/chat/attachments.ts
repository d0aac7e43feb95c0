/**
 * Text of the editor that can be attached to a message. Every way in ends in `prepare`: refused when binary or too
 * large, asked about when it looks like a secret, cut to a budget.
 */
import { realpath } from 'node:fs/promises';
import * as vscode from 'vscode';
import { attachmentBlock } from '../../agent/chat-prompt.ts';
import type { Attachment } from '../../agent/transcript.ts';
import { MoebiusError } from '../../base/errors.ts';
import { workspacePath, workspaceUri } from '../workspace-path.ts';
import type { AttachmentRequest } from './attachment-request.ts';
import { capText, decodeText, secretReason, settle } from './attachment-rules.ts';
import { readFolder } from './folder-source.ts';
import { isInside } from './path-containment.ts';
import { type Problem, problemsText } from './problems-text.ts';
import { symbolRange } from './symbols.ts';

/** `null`: no model is loaded, so nothing can be counted. */
export type CountTokens = (text: string) => Promise<number | null>;

interface Source {
  kind: Attachment['kind'];
  label: string;
  /** Base name, for the check of secrets; empty when the text is from no file. */
  fileName: string;
  language: string;
  text: string;
}

export class AttachmentReader {
  readonly #count: CountTokens;
  readonly #budgetTokens: () => number;
  readonly #refused: (why: string) => void;

  /** `refused`: of several files some are not attached, in words for the user. */
  constructor(count: CountTokens, budgetTokens: () => number, refused: (why: string) => void) {
    this.#count = count;
    this.#budgetTokens = budgetTokens;
    this.#refused = refused;
  }

  /** @throws MoebiusError in words for the user; `cancelled` when they decided against it. Not for one of several files. */
  async read(request: AttachmentRequest): Promise<Attachment[]> {
    switch (request.kind) {
      case 'selection':
        return [await this.#prepare(selectionSource())];
      case 'problems':
        return [await this.#prepare(problemsSource())];
      case 'problem':
        return [await this.#prepare({ ...request, kind: 'problems', fileName: '', language: '' })];
      case 'text':
        return [await this.#prepare({ ...request, fileName: '', language: request.language ?? '' })];
      case 'path':
        return [await this.#readFile(await inWorkspace(workspaceUri(request.path)))];
      case 'symbol':
        return [await this.#readSymbol(await inWorkspace(workspaceUri(request.path)), request.line)];
      case 'dropped':
        return this.#several(
          request.uris.map(async uri => this.#readFile(await inWorkspace(vscode.Uri.parse(uri, true)))),
        );
      case 'file':
        return [await this.#readFile(vscode.Uri.file(request.fsPath))];
      case 'pick':
        return this.#pick();
    }
  }

  /** Any file of the machine, because the user points at it in a dialog. */
  async #pick(): Promise<Attachment[]> {
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
    const picked = await vscode.window.showOpenDialog({
      canSelectMany: true,
      openLabel: 'Attach',
      title: 'Attach files to the chat',
      ...(folder && { defaultUri: folder }),
    });
    return this.#several((picked ?? []).map(uri => this.#readFile(uri)));
  }

  async #several(reading: Promise<Attachment>[]): Promise<Attachment[]> {
    const { read, refused } = await settle(reading);
    if (refused !== '') this.#refused(refused);
    return read;
  }

  async #readFile(uri: vscode.Uri): Promise<Attachment> {
    const label = workspacePath(uri);
    const { type } = await stat(uri, label);
    if (type & vscode.FileType.Directory) {
      const text = await readFolder(uri);
      return this.#prepare({ kind: 'folder', label: `${label}/`, fileName: '', language: '', text });
    }
    // An open document may be newer than its file.
    const document = vscode.workspace.textDocuments.find(open => open.uri.toString() === uri.toString());
    const text = document?.getText() ?? decodeText(label, await vscode.workspace.fs.readFile(uri));
    const fileName = uri.path.slice(uri.path.lastIndexOf('/') + 1);
    const language = document?.languageId ?? fileName.match(/\.(\w{1,10})$/)?.[1] ?? '';
    return this.#prepare({ kind: 'file', label, fileName, language, text });
  }

  async #readSymbol(uri: vscode.Uri, line: number): Promise<Attachment> {
    const document = await vscode.workspace.openTextDocument(uri);
    return this.#prepare({ kind: 'symbol', ...partOf(document, await symbolRange(document, line)) });
  }

  async #prepare({ kind, label, fileName, language, text }: Source): Promise<Attachment> {
    const reason = secretReason(fileName, text);
    if (reason) await confirmSecret(label, reason);
    const capped = await capText(text, this.#budgetTokens(), this.#count);
    const attachment: Attachment = {
      id: crypto.randomUUID(),
      kind,
      label,
      language,
      text: capped.text,
      cut: capped.cut,
      tokens: null,
    };
    return { ...attachment, tokens: await this.#count(attachmentBlock(attachment)) };
  }
}

async function confirmSecret(label: string, reason: string): Promise<void> {
  const attach = 'Attach Anyway';
  const detail =
    'The model runs on this machine and nothing is sent elsewhere, but the chat is stored in its history.';
  const choice = await vscode.window.showWarningMessage(
    `${label} may hold a secret: ${reason}.`,
    { modal: true, detail },
    attach,
  );
  if (choice !== attach) throw new MoebiusError('cancelled', `${label} was not attached.`);
}

function selectionSource(): Source {
  const editor = vscode.window.activeTextEditor;
  if (!editor || editor.selection.isEmpty) {
    throw new MoebiusError(
      'not-found',
      'Nothing is selected in the editor. Select some text, then attach it.',
    );
  }
  return { kind: 'selection', ...partOf(editor.document, editor.selection) };
}

/** Lines of a document, named by where they stand. */
function partOf(document: vscode.TextDocument, range: vscode.Range): Omit<Source, 'kind'> {
  const path = workspacePath(document.uri);
  const [first, last] = [range.start.line + 1, range.end.line + 1];
  return {
    label: first === last ? `${path}:${first}` : `${path}:${first}-${last}`,
    fileName: path.slice(path.lastIndexOf('/') + 1),
    language: document.languageId,
    text: document.getText(range),
  };
}

function problemsSource(): Source {
  const active = vscode.window.activeTextEditor?.document.uri.toString();
  const problems: Problem[] = vscode.languages.getDiagnostics().flatMap(([uri, diagnostics]) =>
    diagnostics.map(diagnostic => ({
      path: workspacePath(uri),
      isActive: uri.toString() === active,
      line: diagnostic.range.start.line + 1,
      column: diagnostic.range.start.character + 1,
      severity: diagnostic.severity,
      message: diagnostic.message,
      source: diagnostic.source ?? '',
    })),
  );
  const text = problemsText(problems);
  if (text === '') throw new MoebiusError('not-found', 'There are no errors or warnings in the workspace.');
  return { kind: 'problems', label: 'Problems', fileName: '', language: '', text };
}

async function stat(uri: vscode.Uri, label: string): Promise<vscode.FileStat> {
  try {
    return await vscode.workspace.fs.stat(uri);
  } catch (cause) {
    throw new MoebiusError('not-found', `${label} can't be read.`, { cause });
  }
}

/** @throws MoebiusError `unsupported` for a file outside the workspace, also through a link */
async function inWorkspace(uri: vscode.Uri): Promise<vscode.Uri> {
  const label = workspacePath(uri);
  const folder = vscode.workspace.getWorkspaceFolder(uri);
  const outside = new MoebiusError(
    'unsupported',
    `${label} is outside the workspace. Use "Attach Files…" to attach it.`,
  );
  if (!folder) throw outside;
  if (uri.scheme !== 'file') return uri;
  try {
    const [file, root] = await Promise.all([realpath(uri.fsPath), realpath(folder.uri.fsPath)]);
    if (!isInside(root, file)) throw outside;
  } catch (error) {
    if (error === outside) throw error;
    throw new MoebiusError('not-found', `${label} can't be read.`, { cause: error });
  }
  return uri;
}
