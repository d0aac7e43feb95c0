/** Commands of the agent: a task, a problem to fix, and the ways back. */
import * as vscode from 'vscode';
import { MoebiusError } from '../../base/errors.ts';
import type { ApprovalPolicy, Mode } from '../../protocol/agent-view.ts';
import type { ChatView } from '../chat/view.ts';
import { workspacePath } from '../workspace-path.ts';
import type { CommandTable } from './command-table.ts';
import { asRange, asUri } from './edit-commands.ts';

export function agentCommands(chat: ChatView): CommandTable {
  return {
    'moebius.agent.newTask': () => chat.newTask(),
    'moebius.agent.undoLastTurn': () => chat.agent.undoLastTurn(),
    'moebius.agent.restore': () => chooseRestorePoint(chat),
    /** From a lens: the document and the line of the hunk; from the palette: the cursor. */
    'moebius.review.keep': (uri?: unknown, line?: unknown) => chat.review.keep(asUri(uri), asLine(line)),
    'moebius.review.undo': (uri?: unknown, line?: unknown) => chat.review.undo(asUri(uri), asLine(line)),
    'moebius.review.undoFile': (uri?: unknown) => chat.review.undoFile(asUri(uri)),
    'moebius.review.keepFile': (uri?: unknown) => chat.review.keepFile(asUri(uri)),
    'moebius.review.next': () => chat.review.go(1),
    'moebius.review.previous': () => chat.review.go(-1),
    'moebius.agent.askMode': () => chooseMode(chat, 'ask'),
    'moebius.agent.planMode': () => chooseMode(chat, 'plan'),
    'moebius.agent.agentMode': () => chooseMode(chat, 'agent'),
    'moebius.agent.askFirst': () => choosePolicy(chat, 'ask'),
    'moebius.agent.askEverything': () => choosePolicy(chat, 'ask-everything'),
    'moebius.agent.allowEdits': () => choosePolicy(chat, 'auto-edit'),
    'moebius.agent.readOnly': () => choosePolicy(chat, 'read-only'),
    'moebius.agent.showRunning': () => chat.showRunning(),
    'moebius.agent.showAllowed': () => chat.showAllowed(),
    /** From a code action: the document, the range of the problem, and what it says. */
    'moebius.agent.fixProblem': async (uri?: unknown, range?: unknown, problem?: unknown) => {
      const editor = vscode.window.activeTextEditor;
      const file = asUri(uri) ?? editor?.document.uri;
      const at = asRange(range) ?? editor?.selection;
      if (!file || !at) throw new MoebiusError('bad-request', 'Put the cursor on the problem first.');
      const path = workspacePath(file);
      const line = at.start.line + 1;
      const said = typeof problem === 'string' ? problem : problemsText(file, at);
      if (!said) throw new MoebiusError('not-found', `There is no problem at ${path}:${line}.`);
      // What a checker says may quote what it checks: data, and no words of the user.
      await chat.task(`Fix the problem in ${path}, line ${line}.`, [
        { kind: 'file', fsPath: file.fsPath },
        { kind: 'problem', label: `Problem in ${path}, line ${line}`, text: said },
      ]);
    },
  };
}

/** Whoever chooses a mode is about to write. */
async function chooseMode(chat: ChatView, mode: Mode): Promise<void> {
  await chat.agent.chooseMode(mode);
  await chat.focusInput();
}

/** The chat may be hidden, so the status bar says it as well. */
async function choosePolicy(chat: ChatView, policy: ApprovalPolicy): Promise<void> {
  await chat.agent.choosePolicy(policy);
  vscode.window.setStatusBarMessage(`Moebius: ${SAID[policy]}`, SAID_MS);
}
const SAID: Record<ApprovalPolicy, string> = {
  ask: 'the agent asks first',
  'ask-everything': 'the agent asks for everything',
  'auto-edit': 'the agent may edit the workspace without asking',
  'read-only': 'the agent is read-only',
};
const SAID_MS = 5000;

async function chooseRestorePoint(chat: ChatView): Promise<void> {
  const points = chat.agent.restorePoints();
  if (points.length === 0) {
    throw new MoebiusError('not-found', 'There is no message in this chat yet.');
  }
  const items = points.map(({ id, text, at }) => ({
    id,
    label: text.split('\n', 1)[0]!,
    description: new Date(at).toLocaleTimeString(),
  }));
  const picked = await vscode.window.showQuickPick(items, {
    title: 'Restore Checkpoint',
    placeHolder: 'Before which message?',
  });
  if (picked) await chat.agent.restore(picked.id);
}

/** Of the lines that are meant, wherever in them the cursor is. */
function problemsText(uri: vscode.Uri, { start, end }: vscode.Range): string {
  const touching = vscode.languages
    .getDiagnostics(uri)
    .filter(({ range }) => range.start.line <= end.line && range.end.line >= start.line);
  return touching.map(one => one.message).join('; ');
}

const asLine = (value: unknown): number | undefined =>
  Number.isInteger(value) ? (value as number) : undefined;
