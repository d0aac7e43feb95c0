/**
 * One chat while it is open: takes messages, answers them one after another, records every event and tells the page.
 * Knows no editor: what it needs of the outside is in `SessionPorts`.
 */
import { askContent, promptMessages } from '../../agent/chat-prompt.ts';
import type { AgentMode, ApprovalDecision } from '../../agent/ports.ts';
import { threadOf } from '../../agent/thread.ts';
import {
  type Answer,
  type Ask,
  type Attachment,
  agentHistory,
  applyEvent,
  findAnswer,
  findAsk,
  isAnswered,
  isGoOn,
  joinAttachments,
  resumeText,
  type Transcript,
  type TranscriptEvent,
  titleOf,
} from '../../agent/transcript.ts';
import type { Backend } from '../../backends/backend.ts';
import { orAborted } from '../../base/abort.ts';
import { type MoebiusError, toMoebiusError } from '../../base/errors.ts';
import type { ChatMessage, ExpertLevel, GenerateEvent, ModelInfo } from '../../protocol/daemon.ts';
import type { AnswerRow, ChatLevel, HostMessage, Phase, Row, UserRow } from '../../protocol/webview.ts';
import { Pending } from '../agent/pending.ts';
import type { AgentRunner, AgentTask, TaskChat } from '../agent/runner.ts';
import { AgentTurn } from '../agent/turn.ts';
import { newsSince } from '../agent/work.ts';
import { attachmentTokens, fitMessages } from './fit-messages.ts';
import { GenerationPhase } from './generation-phase.ts';
import { levelFor } from './level.ts';
import { answerRow, NOTICE_ID, noticeRow, rowsOf, userRow } from './rows.ts';
import { TextCoalescer } from './text-coalescer.ts';

export interface SessionPorts {
  backend: Backend;
  /** The loaded model, loading it first when needed. */
  model(signal: AbortSignal): Promise<ModelInfo>;
  options(): { level: ChatLevel; maxTokens: number; temperature: number; isThinking: boolean };
  /** Stores one event; must not throw. */
  store(event: TranscriptEvent): void;
  post(message: HostMessage): void;
  onPhase(phase: Phase): void;
  agent: AgentRunner;
  /** This chat, for the agent: it may not be the one that is shown. */
  chat: TaskChat;
  newId(): string;
}

type AnswerEnd = Omit<Extract<TranscriptEvent, { type: 'end' }>, 'type' | 'id'>;

interface Run {
  askId: string;
  answerId: string | null;
  controller: AbortController;
  /** null until the agent takes it up, and for an answer without it. */
  turn: AgentTurn | null;
}

/** What the pending question is kept under. */
export const QUESTION = 'question';
/** Streamed text reaches the disk this often; what a crash can cost. */
const STORE_DELAY_MS = 500;

export class ChatSession {
  readonly transcript: Transcript;
  /** Window of the model that answered last, in tokens. */
  windowTokens: number | null = null;
  /** What the agent waits for: decisions by the call they are about; a question there is only one at a time. */
  readonly approvals = new Pending<ApprovalDecision>();
  readonly questions = new Pending<string | null>();
  readonly #ports: SessionPorts;
  readonly #stored: TextCoalescer;
  /** Messages that wait, in order, by their ids: in which mode each was sent. */
  readonly #queue = new Map<string, AgentMode>();
  /** Torn answers whose changes were taken back, as far as the user let it: they are asked once. */
  readonly #takenBack = new Set<string>();
  #run: Run | null = null;
  #phase: Phase = { kind: 'idle' };
  #isDisposed = false;

  constructor(transcript: Transcript, ports: SessionPorts) {
    this.transcript = transcript;
    this.#ports = ports;
    this.#stored = new TextCoalescer(STORE_DELAY_MS, (id, text) => ports.store({ type: 'text', id, text }));
  }

  get phase(): Phase {
    return this.#phase;
  }

  get isBusy(): boolean {
    return this.#run !== null;
  }

  /** Of the newest answer. */
  get reusedTokens(): number {
    const answers = this.transcript.entries.filter(entry => entry.kind === 'answer');
    return answers.at(-1)?.usage?.reusedTokens ?? 0;
  }

  rows(): Row[] {
    const { transcript, windowTokens } = this;
    return rowsOf(
      transcript,
      answer => this.#answerRow(answer),
      ask => this.#stateOf(ask),
      windowTokens,
    );
  }

  /** Adds a message; it is answered when those before it are, in the mode of now. `expanded`: what the model reads instead of it. */
  send(
    text: string,
    attachments: Attachment[],
    expanded: string | null = null,
    mode = this.#ports.agent.mode(),
  ): void {
    const at = Date.now();
    if (this.transcript.entries.length === 0) {
      const title = titleOf(text);
      this.#record({ type: 'chat', version: 1, id: this.transcript.id, at, title });
      this.#ports.post({ type: 'title', title });
    }
    const id = this.#ports.newId();
    this.#record({ type: 'ask', id, at, text, ...(expanded !== null && { expanded }), attachments });
    this.#enqueue(findAsk(this.transcript, id)!, mode);
  }

  /** Ends the answer that is being written; what is there stays. Messages that wait are answered. */
  stop(): void {
    this.#run?.controller.abort();
  }

  /** Stops everything, for good. What was written is stored; what comes later is not. */
  dispose(): void {
    this.#stored.flush();
    this.#isDisposed = true;
    this.#queue.clear();
    this.stop();
  }

  /** Takes back a message that waits, whoever it waits for. */
  unqueue(askId: string): void {
    const ask = findAsk(this.transcript, askId);
    if (!ask || this.#stateOf(ask) === 'sent') return;
    this.#queue.delete(askId);
    this.#record({ type: 'drop', id: askId });
    this.#ports.post({ type: 'remove', id: askId });
  }

  /** Sends a message that waited when the editor ended. As the newest: what was answered meanwhile stands before it. */
  sendUnsent(askId: string): void {
    const ask = findAsk(this.transcript, askId);
    if (!ask || this.#stateOf(ask) !== 'unsent') return;
    this.unqueue(askId);
    this.send(ask.text, ask.attachments, ask.expanded);
  }

  /** Whether nothing stands after this question or its answer, so that it can be answered again and nothing else is lost. */
  isLast(id: string): boolean {
    const last = this.transcript.entries.at(-1);
    return last?.id === id || (last?.kind === 'answer' && last.askId === id);
  }

  /** Answers the last question again; `id` is its own or its answer's. */
  regenerate(id: string): void {
    if (!this.isLast(id)) return;
    const ask = findAsk(this.transcript, findAnswer(this.transcript, id)?.askId ?? id);
    if (!ask || this.#queue.has(ask.id)) return;
    const next = this.transcript.entries[this.transcript.entries.indexOf(ask) + 1];
    if (next) this.truncate(next.id);
    if (this.#run?.askId === ask.id) this.stop();
    this.#enqueue(ask, this.#ports.agent.mode());
  }

  /** Replaces a question by another, with the same attachments and what is `added` to them; everything after it goes. */
  edit(
    askId: string,
    text: string,
    added: Attachment[] = [],
    expanded: string | null = null,
    mode = this.#ports.agent.mode(),
  ): void {
    const ask = findAsk(this.transcript, askId);
    if (!ask) return;
    this.truncate(askId);
    this.send(text, joinAttachments(ask.attachments, added), expanded, mode);
  }

  /** The agent takes up what it ended before it was done. */
  goOn(answerId: string): void {
    const answer = findAnswer(this.transcript, answerId);
    if (!answer) return;
    // Nothing came of it: what it was asked still stands.
    if (answer.steps.length === 0 && this.isLast(answerId)) this.regenerate(answerId);
    else this.send(resumeText(answer), []);
  }

  /** The changes of an answer to these files were taken back, or are wanted. */
  decide(answerId: string, decision: 'undone' | 'kept', paths: string[]): void {
    const answer = findAnswer(this.transcript, answerId);
    if (!answer) return;
    this.#record({ type: decision, id: answerId, paths });
    this.#ports.post({ type: 'row', row: this.#answerRow(answer) });
  }

  #enqueue(ask: Ask, mode: AgentMode): void {
    this.#queue.set(ask.id, mode);
    this.#ports.post({ type: 'row', row: userRow(ask, this.#run ? 'queued' : 'sent') });
    void this.#next();
  }

  /** This entry and all after it are gone. */
  truncate(id: string): void {
    this.#record({ type: 'truncate', id });
    this.#ports.post({ type: 'truncate', id });
    for (const askId of this.#queue.keys()) if (!findAsk(this.transcript, askId)) this.#queue.delete(askId);
    if (this.#run && !findAsk(this.transcript, this.#run.askId)) this.stop();
  }

  async #next(): Promise<void> {
    const [next] = this.#queue;
    if (this.#run || !next || this.#isDisposed) return;
    const [askId, mode] = next;
    this.#queue.delete(askId);
    const ask = findAsk(this.transcript, askId);
    if (!ask) return;
    const run: Run = { askId: ask.id, answerId: null, controller: new AbortController(), turn: null };
    this.#run = run;
    this.#ports.post({ type: 'row', row: userRow(ask, 'sent') });
    this.#setPhase({ kind: 'starting' });
    try {
      this.#end(run, mode === 'ask' ? await this.#answer(run) : await this.#work(run, mode));
    } catch (thrown) {
      this.#fail(run, toMoebiusError(thrown));
    }
    this.#run = null;
    // A session that is idle may be forgotten by its owner: it is not while messages wait in it.
    if (this.#queue.size === 0) this.#setPhase({ kind: 'idle' });
    void this.#next();
  }

  async #answer(run: Run): Promise<AnswerEnd> {
    const { signal } = run.controller;
    const model = await orAborted(this.#ports.model(signal), signal);
    const options = this.#ports.options();
    const level = levelFor(options.level, model);
    this.windowTokens = model.contextTokens;
    if (this.transcript.rules === null)
      this.#record({ type: 'rules', text: await orAborted(this.#ports.agent.rules(), signal) });
    const room = { windowTokens: model.contextTokens, answerTokens: options.maxTokens };
    const fitting = await fitMessages(this.#ports.backend, this.transcript, run.askId, room, signal);
    const { messages, counts, promptTokens, keptFrom } = fitting;
    if (keptFrom !== null) this.#dropBefore(keptFrom);
    await this.#countAttachments(run);
    signal.throwIfAborted();
    this.#begin(run, model.name, level, counts);
    const phases = new GenerationPhase();
    const result = await this.#ports.backend.generate(
      {
        messages,
        sequence: 'chat',
        priority: 'chat',
        level,
        temperature: options.temperature,
        thinking: options.isThinking,
        maxTokens: Math.min(options.maxTokens, model.contextTokens - promptTokens),
      },
      { signal, onEvent: event => this.#onEvent(run, event, phases) },
    );
    // A backend that does not stream gives everything here.
    const written = findAnswer(this.transcript, run.answerId!)?.text ?? '';
    if (result.text.startsWith(written)) this.#addText(run, result.text.slice(written.length));
    return { finish: result.finish, usage: result.usage, error: null };
  }

  /** Lets the agent carry out the message. */
  async #work(run: Run, mode: AgentTask['mode']): Promise<AnswerEnd> {
    const { signal } = run.controller;
    const model = await orAborted(this.#ports.model(signal), signal);
    this.windowTokens = model.contextTokens;
    const { level: wanted } = this.#ports.options();
    // What it costs code that is written from what was read is not measured: with few experts only who chose that.
    const level = levelFor(wanted === 'auto' ? 'exact' : wanted, model);
    const ask = findAsk(this.transcript, run.askId)!;
    const history = agentHistory(this.transcript, ask.id);
    this.#begin(run, model.name, level, []);
    const id = run.answerId!;
    const turn = new AgentTurn(id, {
      store: event => {
        if (findAnswer(this.transcript, id)) this.#record({ type: 'step', id, event });
      },
      post: message => this.#ports.post(message),
      setPhase: phase => this.#setPhase(phase),
    });
    run.turn = turn;
    const news = newsSince(this.transcript, ask.id);
    const { first, todo, torn } = threadOf(this.transcript, ask);
    const task = {
      ...{ ask, turnId: id, mode, model, level, history, signal },
      ...{ first, todo },
      torn: torn.filter(({ id }) => !this.#takenBack.has(id)).map(answer => this.#torn(answer)),
      chat: this.#ports.chat,
      news: news.text,
      backend: this.#ports.backend,
      approval: { ask: (request, until) => this.approvals.wait(request.callId, until) },
      questions: { ask: (_question, _options, until) => this.questions.wait(QUESTION, until) },
    } satisfies Omit<AgentTask, 'emit'>;
    return turn.run(this.#ports.agent, task, news.cut);
  }

  #torn({ id, undone, kept }: Answer): AgentTask['torn'][number] {
    return {
      turnId: id,
      decided: [...undone, ...kept],
      undone: paths => {
        this.#takenBack.add(id);
        if (paths.length > 0) this.decide(id, 'undone', paths);
      },
    };
  }

  #stateOf({ id }: Ask): UserRow['state'] {
    if (this.#queue.has(id)) return 'queued';
    return id === this.#run?.askId || isAnswered(this.transcript, id) ? 'sent' : 'unsent';
  }

  /** Fills in the tokens of what was attached while no model was loaded. */
  async #countAttachments(run: Run): Promise<void> {
    const ask = findAsk(this.transcript, run.askId);
    if (!ask?.attachments.some(attachment => attachment.tokens === null)) return;
    const tokens = await attachmentTokens(this.#ports.backend, ask.attachments);
    this.#record({ type: 'counted', id: ask.id, tokens });
    this.#ports.post({ type: 'row', row: userRow(ask, 'sent') });
  }

  #dropBefore(id: string): void {
    this.#record({ type: 'sentFrom', id });
    const { entries } = this.transcript;
    const above = entries[entries.findIndex(entry => entry.id === id) - 1];
    this.#ports.post({ type: 'remove', id: NOTICE_ID });
    if (above) this.#ports.post({ type: 'row', row: noticeRow(this.windowTokens), after: above.id });
  }

  #begin(run: Run, model: string, level: ExpertLevel, promptCounts: number[]): void {
    const id = this.#ports.newId();
    run.answerId = id;
    this.#record({ type: 'answer', id, askId: run.askId, at: Date.now(), model, level, promptCounts });
    this.#postAnswer(run);
  }

  #onEvent(run: Run, event: GenerateEvent, phases: GenerationPhase): void {
    if (event.type === 'text') this.#addText(run, event.text);
    const phase = phases.after(event);
    if (phase) this.#setPhase(phase);
  }

  #addText(run: Run, text: string): void {
    const id = run.answerId!;
    if (text === '' || this.#isDisposed || !findAnswer(this.transcript, id)) return;
    applyEvent(this.transcript, { type: 'text', id, text });
    this.#stored.add(id, text);
    this.#ports.post({ type: 'text', id, text });
  }

  #fail(run: Run, error: MoebiusError): void {
    // Edited away, or about to be answered again.
    if (!findAsk(this.transcript, run.askId) || this.#queue.has(run.askId)) return;
    if (!run.answerId) this.#begin(run, '', 'exact', []);
    const isStopped = error.code === 'cancelled';
    this.#end(run, {
      finish: isStopped ? 'cancelled' : 'error',
      usage: null,
      error: isStopped ? null : { code: error.code, message: error.message },
    });
  }

  #end(run: Run, end: AnswerEnd): void {
    if (!run.answerId || !findAnswer(this.transcript, run.answerId)) return;
    this.#record({ type: 'end', id: run.answerId, ...end });
    this.#postAnswer(run);
  }

  #postAnswer(run: Run): void {
    const answer = findAnswer(this.transcript, run.answerId!);
    if (answer) this.#ports.post({ type: 'row', row: this.#answerRow(answer), after: run.askId });
  }

  #answerRow(answer: Answer): AnswerRow {
    const run = answer.finish === null && this.#run?.answerId === answer.id ? this.#run : null;
    const live = run?.turn?.work;
    const ask = findAsk(this.transcript, answer.askId);
    const isGoingOn = ask !== undefined && isGoOn(ask);
    return answerRow(answer, { isRunning: run !== null, isGoingOn, ...(live && { live }) });
  }

  #record(event: TranscriptEvent): void {
    applyEvent(this.transcript, event);
    if (this.#isDisposed) return;
    this.#stored.flush();
    this.#ports.store(event);
  }

  #setPhase(phase: Phase): void {
    this.#phase = phase;
    this.#ports.onPhase(phase);
  }

  /**
   * The whole conversation and a message not yet sent, as the model would read them. For the context meter. What the agent looks up for
   * a task is not known before.
   */
  draftMessages(text: string, attachments: Attachment[]): ChatMessage[] {
    const messages =
      this.#ports.agent.mode() === 'ask'
        ? promptMessages(this.transcript, null, this.transcript.sentFrom).map(part => part.message)
        : agentHistory(this.transcript, null);
    if (text === '' && attachments.length === 0) return messages;
    return [...messages, { role: 'user' as const, content: askContent({ text, attachments }) }];
  }
}
