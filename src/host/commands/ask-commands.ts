/** Commands whose answer is text: they ask in the chat, with the code or the terminal's text attached. */
import * as vscode from 'vscode';
import { MoebiusError } from '../../base/errors.ts';
import type { AttachmentRequest } from '../chat/attachment-request.ts';
import type { ChatView } from '../chat/view.ts';
import { activeTarget, type Target } from '../edits/target.ts';
import { workspacePath } from '../workspace-path.ts';
import type { CommandTable } from './command-table.ts';
import { asRange, asUri } from './edit-commands.ts';

/** About 1,200 tokens of terminal: its end, where the error usually is. */
const TERMINAL_CHARS = 4000;

export function askCommands(chat: ChatView): CommandTable {
  return {
    'moebius.code.explain': async (uri?: unknown, range?: unknown, problem?: unknown) => {
      const target = await activeTarget(asUri(uri), asRange(range));
      const question =
        typeof problem === 'string'
          ? `Explain this problem and how to fix it: ${problem}`
          : 'Explain what this code does, step by step, and point out anything that looks wrong.';
      await chat.ask(question, [codeOf(target)]);
    },
    'moebius.code.tests': async (uri?: unknown, range?: unknown) => {
      const target = await activeTarget(asUri(uri), asRange(range));
      const path = workspacePath(target.document.uri);
      const question =
        `Write unit tests for this code from ${path}: the usual case, the edge cases and the errors. ` +
        'Answer with one complete test file, using the test framework that is usual for the language.';
      await chat.ask(question, [codeOf(target)]);
    },
    'moebius.terminal.explain': async () => {
      const text = await terminalSelection();
      await chat.ask(
        'Explain this terminal output. If it shows an error, say what causes it and how to fix it.',
        [{ kind: 'text', label: 'Terminal', text: text.slice(-TERMINAL_CHARS), language: 'text' }],
      );
    },
    'moebius.chat.open': () => chat.open(),
    'moebius.chat.new': () => chat.newChat(),
    // Not `moebius.chat.focus`: every view's id with .focus is a command of the editor's own.
    'moebius.chat.focusInput': () => chat.focusInput(),
    'moebius.chat.attachSelection': () => chat.attach({ kind: 'selection' }),
  };
}

const codeOf = ({ document, code, label }: Target): AttachmentRequest => ({
  kind: 'text',
  label,
  text: code,
  language: document.languageId,
});

/** There is no API for it: copied through the clipboard, whose text is put back. Throws `bad-request` if it is empty. */
async function terminalSelection(): Promise<string> {
  const saved = await vscode.env.clipboard.readText();
  try {
    await vscode.env.clipboard.writeText('');
    await vscode.commands.executeCommand('workbench.action.terminal.copySelection');
    const text = (await vscode.env.clipboard.readText()).trimEnd();
    if (text) return text;
  } finally {
    await vscode.env.clipboard.writeText(saved);
  }
  throw new MoebiusError('bad-request', 'Select some text in the terminal first.');
}
