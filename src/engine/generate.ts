/** The loop from a prompt's tokens to text, shared by chat, raw prompts and completion. */
import { setTimeout } from 'node:timers/promises';
import { MoebiusError, toMoebiusError } from '../base/errors.ts';
import {
  type FinishReason,
  type GenerateParams,
  LIMITS,
  type SamplingParams,
  type ToolCall,
  type Usage,
} from '../protocol/daemon.ts';
import type { EngineCore } from './core.ts';
import { Decoder } from './decoder.ts';
import type { RunHooks } from './engine.ts';
import type { Match } from './grammar/grammars.ts';
import { grammarSource } from './grammar/source.ts';
import type { GrammarSource, TokenMask } from './grammar/wire.ts';
import { HeldText } from './held-text.ts';
import { levelPlan } from './read-plan.ts';
import { type ReasoningReader, reasoningReader } from './reasoning.ts';
import { RepetitionGuard } from './repetition.ts';
import { Run } from './run.ts';
import { Sampler } from './sampler.ts';
import { StopStrings } from './stop.ts';
import { TextStream } from './text-stream.ts';
import { type AnswerPart, CallReader } from './tools/call-reader.ts';

export interface GenerateRequest extends Pick<GenerateParams, 'level'> {
  prompt: number[];
  sampling: SamplingParams;
  sequence: string;
  /** The rows are worth saving, and saved ones worth restoring. */
  isKept?: boolean;
  /** What the prompt's text ends with and its tokens leave out; see HeldText. */
  held?: string;
  /** Ids that end the text and are not part of it. */
  stopTokens: ReadonlySet<number>;
  /** See RepetitionGuard. */
  patience: number;
  wantLogProb?: boolean;
  /** See Decoder; default true. */
  drafts?: boolean | undefined;
  prefillBudgetMs?: number | undefined;
  decodeBudgetMs?: number | undefined;
  grammar?: GrammarSource;
  /** With tools: takes the calls out of the text. */
  calls?: CallReader;
  /** Of a model that thinks aloud: takes that out of the text. */
  reasoning?: ReasoningReader;
  /** Ids that may be drawn although they are banned elsewhere. */
  allowed?: ReadonlySet<number>;
}

export interface Outcome {
  text: string;
  /** With tools. */
  calls?: ToolCall[];
  finish: FinishReason;
  usage: Usage;
  /** Mean natural-log probability of the written tokens; 0 if not asked for or nothing was written. */
  meanLogProb: number;
}

const USAGE_EVERY_MS = 500;
/** How often a request gives way while its grammar is compiled; a run of the model takes longer. */
const GIVE_WAY_MS = 10;
/** A chat answer may hold a table or a matrix; ghost text of that shape is nearly always a loop. */
const CHAT_PATIENCE = 4;

/**
 * Tokens and settings of a `generate` call. Throws `bad-request`, or `unsupported` without a chat template, or with tools that
 * the model can't call.
 */
export function generateRequest(core: EngineCore, params: GenerateParams): GenerateRequest {
  const prompt = promptTokens(core, params);
  const { allowed, ...grammar } = grammarRequest(core, params);
  const hasCalls = grammar.calls !== undefined;
  // Text of a form has no room for thoughts, and a raw prompt no template that teaches them.
  const thinks = params.messages !== undefined && (hasCalls || !grammar.grammar);
  const isContinued = (params.answerPrefix ?? '') !== '';
  const reasoning = thinks
    ? reasoningReader(core.tokenizer.specials, prompt, { hasCalls, isContinued })
    : null;
  const markers = [...(reasoning?.markers ?? []), ...(allowed ?? [])];
  return {
    prompt,
    sampling: params,
    sequence: params.sequence ?? 'chat',
    isKept: true,
    stopTokens: new Set(core.manifest.tokens.eos),
    patience: CHAT_PATIENCE,
    drafts: params.drafts,
    ...(params.level ? { level: params.level } : {}),
    ...grammar,
    ...(reasoning && { reasoning }),
    ...(markers.length > 0 && { allowed: new Set(markers) }),
  };
}

function grammarRequest(
  { dialect, tokenizer }: EngineCore,
  { grammar }: GenerateParams,
): Pick<GenerateRequest, 'grammar' | 'calls' | 'allowed'> {
  if (!grammar) return {};
  const source = grammarSource(grammar, dialect);
  if (grammar.kind !== 'tools') return { grammar: source };
  const { markers } = dialect!;
  const allowed = [...tokenizer.specials].flatMap(([id, literal]) => (markers.includes(literal) ? [id] : []));
  return { grammar: source, calls: new CallReader(dialect!, grammar.tools), allowed: new Set(allowed) };
}

function promptTokens(core: EngineCore, params: GenerateParams): number[] {
  const { prompt, messages, answerPrefix = '', grammar, thinking = false } = params;
  const tools = grammar?.kind === 'tools' ? grammar.tools : [];
  if ((prompt === undefined) === (messages === undefined)) {
    throw new MoebiusError('bad-request', 'Give either a prompt or messages.');
  }
  if (messages) {
    const isDirect = answerPrefix !== '' || (grammar !== undefined && grammar.kind !== 'tools');
    const pieces = chatTemplate(core).render(messages, { answerPrefix, tools, thinking, isDirect });
    return core.tokenizer.encodePieces(pieces);
  }
  const { bos } = core.manifest.tokens;
  return [...(bos === null ? [] : [bos]), ...core.tokenizer.encodePlain(prompt! + answerPrefix)];
}

export function chatTemplate(core: EngineCore): NonNullable<EngineCore['template']> {
  if (core.template) return core.template;
  throw new MoebiusError(
    'unsupported',
    `${core.manifest.name} has no chat template; give it a prompt instead.`,
  );
}

/**
 * Reads the prompt and writes until something ends the text. A cancelled request returns what was written by then.
 * Throws `context-full` when the prompt leaves no room and `bad-request` for a grammar that can't be compiled, before
 * anything is read.
 */
export async function runRequest(
  core: EngineCore,
  request: GenerateRequest,
  hooks: RunHooks,
): Promise<Outcome> {
  const { prompt } = request;
  if (prompt.length === 0) throw new MoebiusError('bad-request', 'The prompt is empty.');
  if (prompt.length >= core.contextTokens) {
    throw new MoebiusError(
      'context-full',
      `The prompt has ${prompt.length} tokens, but the context holds ${core.contextTokens}, answer included. ` +
        'Remove attachments or older messages, or load the model with a larger context.',
    );
  }
  const level = levelPlan(core.manifest.experts, request.level);
  const match = request.grammar ? await openGrammar(core, request.grammar, hooks) : null;
  const sequence = core.sequences.lease(request.sequence);
  sequence.isKept = request.isKept ?? false;
  const run = new Run(core, sequence, level, hooks);
  try {
    return await new Writer(core, request, run, match, hooks).write();
  } finally {
    match?.close();
    core.sequences.release(sequence);
  }
}

/** Compiling takes up to seconds, in a thread of its own: whoever goes before this request does not wait for it. */
async function openGrammar(core: EngineCore, source: GrammarSource, hooks: RunHooks): Promise<Match> {
  const opening = core.grammars.open(source, hooks.signal);
  const opened = opening.then(
    () => true,
    () => true,
  );
  while (!(await Promise.race([opened, setTimeout(GIVE_WAY_MS, false)]))) await hooks.turn();
  return opening;
}

class Writer {
  readonly #core: EngineCore;
  readonly #request: GenerateRequest;
  readonly #run: Run;
  /** null: anything may be written. */
  readonly #match: Match | null;
  readonly #hooks: RunHooks;
  readonly #sampler: Sampler;
  readonly #guard: RepetitionGuard;
  readonly #held: HeldText;
  readonly #stream: TextStream;
  readonly #stops: StopStrings;
  readonly #calls: ToolCall[] = [];
  #text = '';
  #outputTokens = 0;
  #logProbs = 0;
  #reused = 0;
  /** By a token of its own, neither cut off nor stopped. */
  #endedItself = false;

  constructor(core: EngineCore, request: GenerateRequest, run: Run, match: Match | null, hooks: RunHooks) {
    this.#core = core;
    this.#request = request;
    this.#run = run;
    this.#match = match;
    this.#hooks = hooks;
    const banned = core.banned.filter(id => !request.stopTokens.has(id) && !request.allowed?.has(id));
    this.#sampler = new Sampler(request.sampling, banned, core.tokenizer.size, request.wantLogProb);
    this.#guard = new RepetitionGuard(request.patience);
    this.#held = new HeldText(core.tokenizer, request.held ?? '');
    this.#stream = new TextStream(core.tokenizer);
    this.#stops = new StopStrings(request.sampling.stop ?? []);
  }

  async write(): Promise<Outcome> {
    let finish: FinishReason;
    const decoder = new Decoder(this.#core, this.#run, this.#request);
    try {
      finish = this.#request.sampling.maxTokens === 0 ? await this.#readAhead() : await this.#answer(decoder);
    } catch (error) {
      if (toMoebiusError(error).code !== 'cancelled') throw error;
      finish = 'cancelled';
    } finally {
      decoder.end();
    }
    this.#emit(this.#stops.flush());
    const { calls } = this.#request;
    if (calls) this.#emitParts(calls.end(!this.#endedItself));
    this.#emitUsage();
    const outcome = { text: this.#text, finish, usage: this.#usage(), meanLogProb: this.#meanLogProb() };
    return calls ? { ...outcome, calls: this.#calls } : outcome;
  }

  async #readAhead(): Promise<FinishReason> {
    await this.#run.readAhead(this.#request.prompt, (done, reused) => this.#noteRead(done, reused));
    return 'length';
  }

  async #answer(decoder: Decoder): Promise<FinishReason> {
    const { prompt, isKept, prefillBudgetMs = Number.POSITIVE_INFINITY } = this.#request;
    if (isKept) await this.#run.restore(prompt);
    const logits = await this.#run.read(prompt, (done, reused) => {
      this.#noteRead(done, reused);
      return this.#run.prefillMs < prefillBudgetMs;
    });
    return logits === null ? 'time' : this.#decode(logits, decoder);
  }

  #noteRead(done: number, reused: number): void {
    this.#reused = reused;
    this.#hooks.onEvent({ type: 'prefill', done, total: this.#request.prompt.length, reused });
  }

  async #decode(logits: Float32Array, decoder: Decoder): Promise<FinishReason> {
    const { sampling, stopTokens, prompt, decodeBudgetMs = Number.POSITIVE_INFINITY } = this.#request;
    const room = this.#core.contextTokens - prompt.length;
    const maxTokens = Math.min(sampling.maxTokens ?? LIMITS.maxTokens, LIMITS.maxTokens, room);
    const began = performance.now();
    let reported = began;
    while (this.#outputTokens < maxTokens) {
      const { token, logProb } = this.#sampler.choose(this.#held.limit(logits), this.#mask());
      if (stopTokens.has(token)) {
        this.#endedItself = true;
        return 'stop';
      }
      this.#outputTokens++;
      this.#logProbs += logProb;
      const written = this.#answered(token, this.#held.push(token, this.#stream.push(token)));
      const { text, stopped } = this.#stops.push(written);
      this.#emit(text);
      if (stopped) return 'stop';
      if (this.#guard.push(token)) return 'repetition';

      const now = performance.now();
      if (now - began >= decodeBudgetMs) return 'time';
      if (now - reported >= USAGE_EVERY_MS) {
        reported = now;
        this.#emitUsage();
      }
      const left = maxTokens - this.#outputTokens;
      if (left > 0) logits = await this.#step(decoder, token, left - 1);
    }
    return 'length';
  }

  #mask(): TokenMask | undefined {
    const mask = this.#match?.mask;
    const { reasoning, stopTokens } = this.#request;
    return mask && reasoning ? reasoning.widen(mask, stopTokens) : mask;
  }

  /** The next mask is computed while the model runs. */
  async #step(decoder: Decoder, token: number, room: number): Promise<Float32Array> {
    const running = decoder.next(token, room);
    const isMatched = this.#request.reasoning?.isMatched ?? true;
    try {
      const [logits] = await Promise.all([running, isMatched ? this.#match?.accept(token) : undefined]);
      return logits;
    } finally {
      // Where the grammar fails: a run that goes on would add its rows to a sequence that is another request's by then.
      await Promise.allSettled([running]);
    }
  }

  /** `text` of `token` without what the model thinks, which is told apart. */
  #answered(token: number, text: string): string {
    const { reasoning } = this.#request;
    if (!reasoning) return text;
    const piece = reasoning.push(token, text);
    if (piece.reasoning !== '') this.#hooks.onEvent({ type: 'reasoning', text: piece.reasoning });
    return piece.text;
  }

  #emit(text: string): void {
    if (text === '') return;
    this.#text += text;
    // Who reads a completion may end it at a line's end, and then hears no more of what it took and how sure it was.
    if (this.#request.wantLogProb && text.includes('\n')) this.#emitUsage();
    const { calls } = this.#request;
    if (calls) this.#emitParts(calls.push(text));
    else this.#hooks.onEvent({ type: 'text', text });
  }

  #emitParts(parts: readonly AnswerPart[]): void {
    for (const part of parts) {
      if (part.kind === 'text') {
        this.#hooks.onEvent({ type: 'text', text: part.text });
        continue;
      }
      this.#calls.push(part);
      this.#hooks.onEvent({ type: 'call', call: part });
    }
  }

  #emitUsage(): void {
    const usage = this.#usage();
    const decodeTokensPerSecond = usage.decodeMs > 0 ? (usage.outputTokens / usage.decodeMs) * 1000 : 0;
    const confidence = this.#request.wantLogProb ? { meanLogProb: this.#meanLogProb() } : {};
    this.#hooks.onEvent({ type: 'usage', usage, decodeTokensPerSecond, ...confidence });
  }

  #meanLogProb(): number {
    return this.#outputTokens > 0 ? this.#logProbs / this.#outputTokens : 0;
  }

  #usage(): Usage {
    const { queueMs, prefillMs, decodeMs } = this.#run;
    return {
      promptTokens: this.#request.prompt.length,
      reusedTokens: this.#reused,
      outputTokens: this.#outputTokens,
      queueMs,
      prefillMs,
      decodeMs,
    };
  }
}
