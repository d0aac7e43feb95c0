/**
 * One chat while it is open: takes messages, answers them one after another, records every event and tells the page.
 * Knows no editor: what it needs of the outside is in `SessionPorts`.
 */
import { askContent, attachmentBlock, firstKept, promptMessages } from '../../agent/chat-prompt.ts';
import {
  type Ask,
  type Attachment,
  applyEvent,
  findAnswer,
  findAsk,
  type Transcript,
  type TranscriptEvent,
  titleOf,
} from '../../agent/transcript.ts';
import type { Backend } from '../../backends/backend.ts';
import { orAborted } from '../../base/abort.ts';
import { MoebiusError, toMoebiusError } from '../../base/errors.ts';
import type { ExpertLevel, GenerateEvent, GenerateResult, ModelInfo } from '../../protocol/daemon.ts';
import type { HostMessage, Phase, Row } from '../../protocol/webview.ts';
import { answerRow, NOTICE_ID, noticeRow, rowsOf, userRow } from './rows.ts';
import { SpeedGauge } from './speed-gauge.ts';
import { TextCoalescer } from './text-coalescer.ts';

export interface SessionPorts {
  backend: Backend;
  /** The loaded model, loading it first when needed. */
  model(signal: AbortSignal): Promise<ModelInfo>;
  options(): { level: ExpertLevel; maxTokens: number; temperature: number; isThinking: boolean };
  /** Stores one event; must not throw. */
  store(event: TranscriptEvent): void;
  post(message: HostMessage): void;
  onPhase(phase: Phase): void;
  newId(): string;
}

interface Run {
  askId: string;
  answerId: string | null;
  /** Of what the model thought before its answer. */
  thoughtWords: number;
  controller: AbortController;
}

/** Streamed text reaches the disk this often; what a crash can cost. */
const STORE_DELAY_MS = 500;
/** The share of the window that is kept free for the answer, at most. */
const ANSWER_SHARE = 0.25;

export class ChatSession {
  readonly transcript: Transcript;
  /** Window of the model that answered last, in tokens. */
  windowTokens: number | null = null;
  readonly #ports: SessionPorts;
  readonly #stored: TextCoalescer;
  #queue: string[] = [];
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
    return rowsOf(this.transcript, this.#run?.answerId ?? null, new Set(this.#queue), this.windowTokens);
  }

  /** Adds a message; it is answered when those before it are. */
  send(text: string, attachments: Attachment[]): void {
    const at = Date.now();
    if (this.transcript.entries.length === 0) {
      const title = titleOf(text);
      this.#record({ type: 'chat', version: 1, id: this.transcript.id, at, title });
      this.#ports.post({ type: 'title', title });
    }
    const id = this.#ports.newId();
    this.#record({ type: 'ask', id, at, text, attachments });
    this.#enqueue(findAsk(this.transcript, id)!);
  }

  /** Ends the answer that is being written; what is there stays. Messages that wait are answered. */
  stop(): void {
    this.#run?.controller.abort();
  }

  /** Stops everything, for good. What was written is stored; what comes later is not. */
  dispose(): void {
    this.#stored.flush();
    this.#isDisposed = true;
    this.#queue = [];
    this.stop();
  }

  /** Takes back a message that waits. */
  unqueue(askId: string): void {
    if (this.#queue.includes(askId)) this.#truncate(askId);
  }

  /** Answers a question again; `id` is the question's or its answer's. */
  regenerate(id: string): void {
    const ask = findAsk(this.transcript, findAnswer(this.transcript, id)?.askId ?? id);
    if (!ask || this.#queue.includes(ask.id)) return;
    const next = this.transcript.entries[this.transcript.entries.indexOf(ask) + 1];
    if (next) this.#truncate(next.id);
    if (this.#run?.askId === ask.id) this.stop();
    this.#enqueue(ask);
  }

  /** Replaces a question by another, with the same attachments; everything after it goes. */
  edit(askId: string, text: string): void {
    const ask = findAsk(this.transcript, askId);
    if (!ask) return;
    this.#truncate(askId);
    this.send(text, ask.attachments);
  }

  #enqueue(ask: Ask): void {
    this.#queue.push(ask.id);
    this.#ports.post({ type: 'row', row: userRow(ask, this.#run !== null) });
    void this.#next();
  }

  #truncate(id: string): void {
    this.#record({ type: 'truncate', id });
    this.#ports.post({ type: 'truncate', id });
    this.#queue = this.#queue.filter(askId => findAsk(this.transcript, askId));
    if (this.#run && !findAsk(this.transcript, this.#run.askId)) this.stop();
  }

  async #next(): Promise<void> {
    const askId = this.#run ? undefined : this.#queue.shift();
    const ask = askId && findAsk(this.transcript, askId);
    if (!ask) return;
    const run: Run = { askId: ask.id, answerId: null, thoughtWords: 0, controller: new AbortController() };
    this.#run = run;
    this.#ports.post({ type: 'row', row: userRow(ask, false) });
    this.#setPhase({ kind: 'starting' });
    try {
      const result = await this.#answer(run);
      this.#end(run, { finish: result.finish, usage: result.usage, error: null });
    } catch (thrown) {
      this.#fail(run, toMoebiusError(thrown));
    }
    this.#run = null;
    this.#setPhase({ kind: 'idle' });
    void this.#next();
  }

  async #answer(run: Run): Promise<GenerateResult> {
    const { signal } = run.controller;
    const model = await orAborted(this.#ports.model(signal), signal);
    const options = this.#ports.options();
    const level = model.capabilities.levels.includes(options.level) ? options.level : 'exact';
    const { messages, counts, promptTokens } = await this.#fit(run, model, options.maxTokens);
    await this.#countAttachments(run);
    signal.throwIfAborted();
    this.#begin(run, model.name, level, counts);
    const speed = new SpeedGauge();
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
      { signal, onEvent: event => this.#onEvent(run, event, speed) },
    );
    // A backend that does not stream gives everything here.
    const written = findAnswer(this.transcript, run.answerId!)?.text ?? '';
    if (result.text.startsWith(written)) this.#addText(run, result.text.slice(written.length));
    return result;
  }

  /**
   * The messages to send and the tokens of each. Drops the oldest turns if they no longer fit, and says so in a row.
   * @throws MoebiusError `context-full` when the newest question alone is too long
   */
  async #fit(run: Run, model: ModelInfo, maxTokens: number) {
    this.windowTokens = model.contextTokens;
    const prompt = promptMessages(this.transcript, run.askId, this.transcript.sentFrom);
    const messages = prompt.map(part => part.message);
    const { perMessage } = await this.#ports.backend.count({ messages }, { signal: run.controller.signal });
    if (perMessage?.length !== messages.length) {
      throw new MoebiusError('internal', 'The model did not count the tokens of every message.');
    }
    const room = model.contextTokens - Math.min(maxTokens, Math.floor(model.contextTokens * ANSWER_SHARE));
    const kept = firstKept(perMessage, index => prompt[index]?.entry?.kind === 'ask', room);
    if (kept > 1) this.#dropBefore(prompt[kept]!.entry!.id);
    const pick = <T>(list: T[]): T[] => [list[0]!, ...list.slice(kept)];
    const counts = pick(perMessage);
    return { messages: pick(messages), counts, promptTokens: counts.reduce((sum, count) => sum + count, 0) };
  }

  /** Fills in the tokens of what was attached while no model was loaded. */
  async #countAttachments(run: Run): Promise<void> {
    const ask = findAsk(this.transcript, run.askId);
    if (!ask?.attachments.some(attachment => attachment.tokens === null)) return;
    const tokens = await Promise.all(
      ask.attachments.map(async attachment => {
        if (attachment.tokens !== null) return attachment.tokens;
        return (await this.#ports.backend.count({ text: attachmentBlock(attachment) })).tokens;
      }),
    );
    this.#record({ type: 'counted', id: ask.id, tokens });
    this.#ports.post({ type: 'row', row: userRow(ask, false) });
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

  #onEvent(run: Run, event: GenerateEvent, speed: SpeedGauge): void {
    switch (event.type) {
      case 'queued':
        this.#setPhase({ kind: 'queued', position: event.position });
        return;
      case 'prefill':
        this.#setPhase({ kind: 'reading', done: event.done, total: event.total, reused: event.reused });
        return;
      case 'usage':
        speed.measured(event.decodeTokensPerSecond);
        return;
      case 'reasoning':
        run.thoughtWords += event.text.match(/\S+/g)?.length ?? 0;
        if (speed.tick()) this.#setPhase({ kind: 'thinking', words: run.thoughtWords });
        return;
      case 'text':
        this.#addText(run, event.text);
        if (speed.tick()) this.#setPhase({ kind: 'writing', tokensPerSecond: speed.tokensPerSecond });
    }
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
    if (!findAsk(this.transcript, run.askId) || this.#queue.includes(run.askId)) return;
    if (!run.answerId) this.#begin(run, '', this.#ports.options().level, []);
    const isStopped = error.code === 'cancelled';
    this.#end(run, {
      finish: isStopped ? 'cancelled' : 'error',
      usage: null,
      error: isStopped ? null : { code: error.code, message: error.message },
    });
  }

  #end(run: Run, end: Omit<Extract<TranscriptEvent, { type: 'end' }>, 'type' | 'id'>): void {
    if (!run.answerId || !findAnswer(this.transcript, run.answerId)) return;
    this.#record({ type: 'end', id: run.answerId, ...end });
    this.#postAnswer(run);
  }

  #postAnswer(run: Run): void {
    const answer = findAnswer(this.transcript, run.answerId!);
    if (answer)
      this.#ports.post({ type: 'row', row: answerRow(answer, answer.finish === null), after: run.askId });
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

  /** The whole conversation and a message not yet sent, as the model would read them. For the context meter. */
  draftMessages(text: string, attachments: Attachment[]) {
    const messages = promptMessages(this.transcript, null, this.transcript.sentFrom).map(
      part => part.message,
    );
    if (text === '' && attachments.length === 0) return messages;
    return [...messages, { role: 'user' as const, content: askContent({ text, attachments }) }];
  }
}
