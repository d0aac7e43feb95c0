/** Fix, document and refactor: the model rewrites the selected or enclosing code in place, the user keeps or undoes it. */
import * as vscode from 'vscode';
import type { Backend } from '../../backends/backend.ts';
import type { GenerateResult } from '../../protocol/daemon.ts';
import type { HostContext } from '../context.ts';
import type { InlineEdits } from '../edits/inline-edit.ts';
import { partialCode } from '../edits/partial.ts';
import {
  documentInstruction,
  type EditPrompt,
  editPrompt,
  fixInstruction,
  type Gap,
  type Problem,
  problemsToFix,
  writingPrompt,
} from '../edits/prompts.ts';
import { replacementOf } from '../edits/replacement.ts';
import { activeTarget, type Target } from '../edits/target.ts';
import { signalOf } from '../report.ts';
import type { CommandTable } from './command-table.ts';

const LAST_INSTRUCTION_KEY = 'moebius.refactor.last';
/** Of a file, around code that is to be written: enough to write like it, and read in seconds. */
const LINES_BEFORE = 100;
const LINES_AFTER = 50;
/** More than such lines have, unless a program wrote them: one of those may be as long as a file. */
const CHARS_BEFORE = 8000;
const CHARS_AFTER = 4000;

export function editCommands(context: HostContext, edits: InlineEdits): CommandTable {
  const change = (target: Target, title: string, instruction: string) =>
    rewrite(context, edits, target, title, editPrompt({ ...named(target), code: target.code }, instruction));
  const write = (target: Target, instruction: string) =>
    rewrite(context, edits, target, 'Write', writingPrompt(gapAt(target), instruction));
  return {
    /** From a code action: the document, the range to change, and the problems there. */
    'moebius.code.fix': async (uri?: unknown, range?: unknown) => {
      const target = await activeTarget(asUri(uri), asRange(range));
      await change(target, 'Fix', fixInstruction(problemsIn(target, asRange(range))));
    },
    'moebius.code.document': async (uri?: unknown, range?: unknown) => {
      const target = await activeTarget(asUri(uri), asRange(range));
      await change(target, 'Document', documentInstruction(target.document.languageId));
    },
    'moebius.code.refactor': async (uri?: unknown, range?: unknown, given?: unknown) => {
      const target = await activeTarget(asUri(uri), asRange(range), true);
      const isBlank = target.code.trim() === '';
      const ask = () => (isBlank ? askForCode(target) : askInstruction(context, target));
      const instruction = typeof given === 'string' ? given : await ask();
      if (!instruction) return;
      if (isBlank) await write(target, instruction);
      else await change(target, 'Refactor', `${instruction}\n\nDo this to the code:`);
    },
    'moebius.edit.stop': () => edits.stop(),
  };
}

async function rewrite(
  { backend }: HostContext,
  edits: InlineEdits,
  target: Target,
  title: string,
  prompt: EditPrompt,
): Promise<void> {
  const { code, label } = target;
  const draft = edits.begin(target);
  try {
    const result = await vscode.window.withProgress(
      {
        location: vscode.ProgressLocation.Notification,
        title: `Moebius: ${title} ${label}`,
        cancellable: true,
      },
      (progress, token) =>
        generate(
          backend,
          prompt,
          AbortSignal.any([signalOf(token), draft.stopped]),
          message => progress.report({ message }),
          written => draft.show(partialCode(code, written)),
        ),
    );
    await draft.finish(replacementOf(code, result, prompt));
    void vscode.window.showInformationMessage(
      `Moebius: ${title} ${label} is written. Keep it or undo it there.`,
    );
  } catch (error) {
    await draft.abandon();
    throw error;
  }
}

async function generate(
  backend: Backend,
  { messages, answerPrefix, stop, maxTokens }: EditPrompt,
  signal: AbortSignal,
  report: (message: string) => void,
  show: (written: string) => void,
): Promise<GenerateResult> {
  report('waiting for the model');
  let written = '';
  return backend.generate(
    { messages, answerPrefix, stop, maxTokens, temperature: 0, level: 'exact', sequence: 'edit' },
    {
      signal,
      onEvent: event => {
        if (event.type === 'prefill') report(`reading ${event.done} of ${event.total} tokens`);
        if (event.type !== 'text') return;
        written += event.text;
        report(`writing line ${written.split('\n').length}`);
        // The beginning was given, and is told again.
        show(written.startsWith(answerPrefix) ? written.slice(answerPrefix.length) : written);
      },
    },
  );
}

const named = ({ document }: Target) => ({
  path: vscode.workspace.asRelativePath(document.uri, false),
  languageId: document.languageId,
});

/** What stands around blank lines. */
function gapAt(target: Target): Gap {
  const lines = target.document.getText().replaceAll('\r\n', '\n').split('\n');
  const { start, end } = target.range;
  const before = lines.slice(Math.max(0, start.line - LINES_BEFORE), start.line).join('\n');
  const after = lines.slice(end.line + 1, end.line + 1 + LINES_AFTER).join('\n');
  return {
    ...named(target),
    before: wholeCharacters(before.slice(-CHARS_BEFORE)),
    after: wholeCharacters(after.slice(0, CHARS_AFTER)),
  };
}

const wholeCharacters = (cut: string): string => cut.replace(/^\p{Cs}|\p{Cs}$/gu, '');

async function askForCode({ label }: Target): Promise<string | undefined> {
  const instruction = await vscode.window.showInputBox({
    title: `Moebius: Write at ${label}`,
    prompt: 'What should be written here? It is written into the file, unsaved, and you keep or undo it.',
    placeHolder: 'e.g. a function that parses a date as ISO 8601',
  });
  return instruction?.trim();
}

async function askInstruction({ extension }: HostContext, target: Target): Promise<string | undefined> {
  const last = extension.workspaceState.get<string>(LAST_INSTRUCTION_KEY, '');
  const instruction = await vscode.window.showInputBox({
    title: `Moebius: Refactor ${target.label}`,
    prompt: 'What should change? It is written into the file, unsaved, and you keep or undo it.',
    placeHolder: 'e.g. use async/await, extract the parsing into a function',
    value: last,
  });
  if (instruction?.trim()) await extension.workspaceState.update(LAST_INSTRUCTION_KEY, instruction.trim());
  return instruction?.trim();
}

/** The diagnostics in the target that touch `at`; without it, or if none does, all of the target's. Worst first. */
function problemsIn({ document, range }: Target, at?: vscode.Range): Problem[] {
  const inside = vscode.languages.getDiagnostics(document.uri).filter(one => range.intersection(one.range));
  const cursor = at ?? vscode.window.activeTextEditor?.selection;
  return problemsToFix(inside, one => cursor !== undefined && !!one.range.intersection(cursor)).map(one => ({
    message: one.message,
    source: one.source ?? '',
    line: document.lineAt(one.range.start.line).text,
  }));
}

/** Arguments of commands come from anywhere, also through JSON. */
export const asUri = (value: unknown): vscode.Uri | undefined =>
  value instanceof vscode.Uri ? value : undefined;
export const asRange = (value: unknown): vscode.Range | undefined =>
  value instanceof vscode.Range ? value : undefined;
