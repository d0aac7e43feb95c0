/**
 * What the page asks about the agent: decisions, answers, modes, and taking its changes back. The editor is behind `AgentEditor`.
 */
import type { PromptFile } from '../../agent/prompt-files.ts';
import { type Answer, type Ask, findAsk } from '../../agent/transcript.ts';
import { MoebiusError } from '../../base/errors.ts';
import type { AgentPicker, ApprovalPolicy, Mode } from '../../protocol/agent-view.ts';
import type { HostMessage, WebviewMessage } from '../../protocol/webview.ts';
import { type ChatSession, QUESTION } from '../chat/session.ts';
import { ranCommands } from './ran-commands.ts';
import type { AgentRunner } from './runner.ts';
import type { ShownCommand } from './terminal-mirror.ts';
import { liveChanges } from './work.ts';

export type RestoreChoice = 'files' | 'conversation' | 'both';

export interface AgentEditor extends AgentRunner {
  picker(): AgentPicker;
  /** Of the workspace; none where the agent can't work. */
  prompts(): Promise<PromptFile[]>;
  chooseMode(mode: Mode): Promise<void>;
  choosePolicy(policy: ApprovalPolicy): Promise<void>;
  showTerminal(command: ShownCommand): Promise<void>;
  /** What a turn changed in a file, beside what was there before. */
  showDiff(turnId: string, path: string): Promise<void>;
  /** Puts files back to before a turn, after asking about those that were changed since. Returns those that were. */
  undo(turnId: string, paths: string[]): Promise<string[]>;
  /** What a turn changed in these files is decided about. */
  keep(turnId: string, paths: string[]): Promise<void>;
  /** null: the user decided against it. `fileCount` 0: only the conversation can be restored. `commands`: ran too, and are not undone. */
  chooseRestore(fileCount: number, commands: string[]): Promise<RestoreChoice | null>;
  /** What becomes of files that were changed after a message that is replaced; null: it is not. `commands`: likewise. */
  confirmReplacing(fileCount: number, commands: string[]): Promise<'undo' | 'keep' | null>;
  /** Files were put back, but for what these commands did. */
  sayNotUndone(commands: string[]): void;
}

export type AgentMessage = Extract<
  WebviewMessage,
  {
    type:
      | 'decide'
      | 'reply'
      | 'goOn'
      | 'chooseMode'
      | 'choosePolicy'
      | 'showTerminal'
      | 'openDiff'
      | 'undoFile'
      | 'undoTurn'
      | 'keepTurn'
      | 'restore';
  }
>;

export class AgentDesk {
  readonly #editor: AgentEditor;
  readonly #session: () => ChatSession;
  readonly #post: (message: HostMessage) => void;
  /** A message goes back to where it was written. */
  readonly #giveBack: (ask: Ask) => Promise<void>;

  constructor(
    editor: AgentEditor,
    session: () => ChatSession,
    post: (message: HostMessage) => void,
    giveBack: (ask: Ask) => Promise<void>,
  ) {
    this.#editor = editor;
    this.#session = session;
    this.#post = post;
    this.#giveBack = giveBack;
  }

  postPicker(): void {
    this.#post({ type: 'agent', picker: this.#editor.picker() });
  }

  /** @throws MoebiusError `unsupported` where the agent can't work, e.g. in Restricted Mode, for any mode but `ask` */
  async chooseMode(mode: Mode): Promise<void> {
    const { locked } = this.#editor.picker();
    if (locked !== null && mode !== 'ask') throw new MoebiusError('unsupported', locked);
    await this.#editor.chooseMode(mode);
    this.postPicker();
  }

  async choosePolicy(policy: ApprovalPolicy): Promise<void> {
    await this.#editor.choosePolicy(policy);
    this.postPicker();
  }

  async handle(message: AgentMessage): Promise<void> {
    const session = this.#session();
    switch (message.type) {
      case 'decide':
        session.approvals.settle(message.id, message.decision);
        return;
      case 'reply':
        session.questions.settle(QUESTION, message.answer);
        return;
      case 'goOn':
        return session.goOn(message.id);
      case 'chooseMode':
        return this.chooseMode(message.mode);
      case 'choosePolicy':
        return this.choosePolicy(message.policy);
      case 'showTerminal':
        return this.#showTerminal(session, message.id);
      case 'openDiff':
        return this.#editor.showDiff(message.id, message.path);
      case 'undoFile':
        return this.#undo(session, answersIn(session, message.id), message.path);
      case 'undoTurn':
        return this.#undo(session, answersIn(session, message.id), null);
      case 'keepTurn':
        return this.#keep(session, message.id);
      case 'restore':
        return this.#restore(session, message.id);
    }
  }

  /** @throws MoebiusError `not-found` when the agent changed nothing in this chat that could be taken back */
  async undoLastTurn(): Promise<void> {
    const session = this.#session();
    const last = answersFrom(session, null).findLast(hasChanges);
    if (!last)
      throw new MoebiusError('not-found', 'The agent changed nothing in this chat that could be undone.');
    await this.#undo(session, [last], null);
  }

  /** Messages before which the conversation, and the files if any were changed since, can be put back to; newest first. */
  restorePoints(): { id: string; text: string; at: number }[] {
    const session = this.#session();
    return session.transcript.entries.filter(entry => entry.kind === 'ask').reverse();
  }

  async restore(askId: string): Promise<void> {
    await this.#restore(this.#session(), askId);
  }

  /**
   * What follows this entry is about to be removed: changes of the agent in it are put back or kept, as the user says. false: they
   * decided against it all.
   */
  async beforeReplacing(session: ChatSession, id: string): Promise<boolean> {
    const answers = answersFrom(session, id);
    if (!answers.some(hasChanges)) return true;
    const choice = await this.#editor.confirmReplacing(fileCountOf(answers), commandsOf(answers));
    if (choice === 'undo') await this.#undo(session, answersFrom(session, id), null);
    return choice !== null;
  }

  async #showTerminal({ transcript }: ChatSession, callId: string): Promise<void> {
    const steps = transcript.entries.flatMap(entry => (entry.kind === 'answer' ? entry.steps : []));
    const call = steps.findLast(step => step.type === 'call' && step.callId === callId);
    const outputs = steps.map(step => (step.type === 'output' && step.callId === callId ? step.text : ''));
    if (call?.type !== 'call') return;
    await this.#editor.showTerminal({ callId, title: call.title, output: outputs.join('') });
  }

  async #undo(session: ChatSession, answers: Answer[], path: string | null): Promise<void> {
    if (session.isBusy) throw new MoebiusError('busy', 'The agent is still working. Stop it first.');
    let isUndone = false;
    // Newest first, so that each turn finds the files as it left them.
    for (const answer of answers.toReversed()) {
      const paths = liveChanges(answer).filter(changed => path === null || changed === path);
      if (paths.length === 0) continue;
      const undone = await this.#editor.undo(answer.id, paths);
      if (undone.length === 0) continue;
      session.decide(answer.id, 'undone', undone);
      isUndone = true;
    }
    // Of one file it was never said that all is undone.
    const commands = isUndone && path === null ? commandsOf(answers) : [];
    if (commands.length > 0) this.#editor.sayNotUndone(commands);
  }

  async #keep(session: ChatSession, answerId: string): Promise<void> {
    for (const answer of answersIn(session, answerId)) {
      const paths = liveChanges(answer);
      await this.#editor.keep(answerId, paths);
      session.decide(answerId, 'kept', paths);
    }
  }

  async #restore(session: ChatSession, askId: string): Promise<void> {
    const ask = findAsk(session.transcript, askId);
    if (!ask) return;
    const answers = answersFrom(session, askId);
    const choice = await this.#editor.chooseRestore(fileCountOf(answers), commandsOf(answers));
    if (choice === null) return;
    // One that was written while the user chose is taken back as well.
    if (choice !== 'conversation') await this.#undo(session, answersFrom(session, askId), null);
    if (choice === 'files') return;
    session.truncate(askId);
    await this.#giveBack(ask);
  }
}

/** The answer of this id, if it changed anything that was not taken back. */
const answersIn = (session: ChatSession, id: string) =>
  answersFrom(session, null).filter(answer => answer.id === id && hasChanges(answer));

/** Answers from this entry on (null: all); none where it is not in this chat. */
function answersFrom({ transcript: { entries } }: ChatSession, id: string | null): Answer[] {
  const start = id === null ? 0 : entries.findIndex(entry => entry.id === id);
  return entries.slice(start < 0 ? entries.length : start).filter(entry => entry.kind === 'answer');
}

/** It changed what can be taken back. */
const hasChanges = (answer: Answer): boolean => liveChanges(answer).length > 0;

const fileCountOf = (answers: readonly Answer[]): number => new Set(answers.flatMap(liveChanges)).size;
const commandsOf = (answers: readonly Answer[]): string[] =>
  ranCommands(answers, process.platform === 'win32' ? 'windows' : 'posix');
