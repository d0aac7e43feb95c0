/** One request's way through its sequence: reads the prompt in chunks, then takes steps of one or a few tokens. */
import { cancelled, toMoebiusError } from '../base/errors.ts';
import type { LevelPlan } from '../models/manifest.ts';
import type { EngineCore } from './core.ts';
import type { RunHooks } from './engine.ts';
import { ALL_EXPERTS, expertsNeeded, expertsOf, planRead, type Reader, type Segment } from './read-plan.ts';
import type { Sequence } from './sequences.ts';
import type { CacheSize, ForwardArgs, ForwardReply } from './session/wire.ts';

/**
 * Tokens of a prompt read at once. Cancelling and giving way happen between chunks, so they are short; 64 are read at 97 %
 * of the speed of 256 (1.5B, two cores). A graph that deals its rows out to many experts wants more of them.
 */
const CHUNK_TOKENS = { fused: 64, routed: 128 };
/** Of a prompt that is read ahead: a keystroke that comes meanwhile waits for the end of a chunk. */
const AHEAD_TOKENS = 16;
/** Shorter chunks say nothing about reading speed. */
const MEASURED_TOKENS = 32;
/** Fewer rows than a chunk are read about as fast as the pages that hold them. */
const WORTH_RESTORING_ROWS = 64;

export class Run {
  readonly #core: EngineCore;
  readonly #sequence: Sequence;
  readonly #level: LevelPlan;
  readonly #hooks: Pick<RunHooks, 'signal' | 'turn'>;
  queueMs = 0;
  prefillMs = 0;
  decodeMs = 0;

  constructor(
    core: EngineCore,
    sequence: Sequence,
    level: LevelPlan,
    hooks: Pick<RunHooks, 'signal' | 'turn'>,
  ) {
    this.#core = core;
    this.#sequence = sequence;
    this.#level = level;
    this.#hooks = hooks;
  }

  /**
   * Takes rows that were saved into the sequence where they spare reading: where they hold clearly more of `prompt` than
   * the sequence does. They replace all it has. Throws `cancelled`, `out-of-memory`.
   */
  async restore(prompt: readonly number[]): Promise<void> {
    const { reused } = planRead(this.#sequence, prompt, this.#level);
    if (prompt.length - reused <= WORTH_RESTORING_ROWS) return;
    // The last token is always read: its logits are wanted.
    const found = await this.#core.savedKv?.find(
      prompt.slice(0, -1),
      expertsNeeded(this.#level, prompt.length),
    );
    if (!found || found.rows < reused + WORTH_RESTORING_ROWS) return;
    let at = 0;
    for await (const page of found.pages()) {
      const rows = Math.min(page.tokens.length, found.rows - at);
      const began = await this.#turn();
      const { key: sequence } = this.#sequence;
      this.#sequence.truncate(at);
      const request = this.#core.worker.request('import', { sequence, at, rows, blocks: page.blocks });
      // Pages of another layout would be a mistake of who keeps them; the prompt is read instead.
      const size = await request.catch(error => ignoreUnfit(error));
      if (!size) return;
      this.#sequence.appendRows({ tokens: page.tokens.slice(0, rows), experts: page.experts.slice(0, rows) });
      at += rows;
      this.#account(size);
      this.prefillMs += performance.now() - began;
    }
  }

  /**
   * Reads `prompt`, reusing the rows it shares with the sequence, and returns the logits f32 [vocab] after its last token.
   * Calls `onProgress` at the start and after every chunk; where it returns false reading ends, and so it returns null
   * (what was read stays in the cache). Throws `cancelled`.
   */
  async read(
    prompt: readonly number[],
    onProgress: (done: number, reused: number) => boolean,
  ): Promise<Float32Array | null> {
    const { reused, segments } = planRead(this.#sequence, prompt, this.#level);
    this.#sequence.truncate(reused);
    if (!onProgress(reused, reused)) return null;
    let logits: Float32Array | null = null;
    for (const { from, to, ...reader } of this.#chunks(segments)) {
      const isLast = to === prompt.length;
      const reply = await this.#forward(prompt.slice(from, to), reader, { logitRows: isLast ? 1 : 0 });
      this.prefillMs += reply.ms;
      if (to - from >= MEASURED_TOKENS) this.#core.prefillMeter.add(to - from, reply.ms);
      logits = reply.logits;
      if (!onProgress(to, reused) && !isLast) return null;
    }
    return logits;
  }

  /**
   * Reads `prompt` for a request to come, in short chunks. Where the cache holds all of it nothing is done: what was written
   * after it stays, for the user may accept it. Calls `onProgress` at the start and after every chunk. Throws `cancelled`.
   */
  async readAhead(
    prompt: readonly number[],
    onProgress: (done: number, reused: number) => void,
  ): Promise<void> {
    const { tokens } = this.#sequence;
    const { reused, segments } = planRead(this.#sequence, prompt, this.#level);
    const last = prompt.length - 1;
    if (reused === last && tokens[last] === prompt[last]) return onProgress(prompt.length, prompt.length);
    this.#sequence.truncate(reused);
    onProgress(reused, reused);
    for (const { from, to, ...reader } of this.#chunks(segments, AHEAD_TOKENS)) {
      this.prefillMs += (await this.#forward(prompt.slice(from, to), reader, {})).ms;
      onProgress(to, reused);
    }
  }

  /**
   * Appends `tokens` to the sequence, and what the model's drafter guesses to follow (see ForwardArgs.draftAbove); logits
   * f32 [vocab] after each of them. Throws `cancelled`.
   */
  async step(
    tokens: number[],
    draftAbove: readonly number[] | null,
  ): Promise<{ rows: Float32Array[]; drafted: number[] }> {
    const wanted = { logitRows: tokens.length, draftAbove };
    const { logits, drafted, ms } = await this.#forward(tokens, { experts: this.#level.writeK }, wanted);
    this.decodeMs += ms;
    this.#core.decodeMeter.add(1, ms);
    const count = tokens.length + drafted.length;
    const vocab = logits!.length / count;
    const rows = Array.from({ length: count }, (_, i) => logits!.subarray(i * vocab, (i + 1) * vocab));
    return { rows, drafted };
  }

  /** Takes the last `count` tokens off the sequence. */
  forget(count: number): void {
    this.#sequence.truncate(this.#sequence.tokens.length - count);
  }

  /** Log probability of every token of `tokens` after the first, f32 [tokens - 1]; nothing is reused. */
  async score(tokens: readonly number[]): Promise<Float32Array> {
    this.#sequence.truncate(0);
    const scores = new Float32Array(tokens.length - 1);
    for (const { from, to, ...reader } of this.#chunks(
      planRead(this.#sequence, tokens, this.#level).segments,
    )) {
      const targets = tokens.slice(from + 1, to + 1);
      const reply = await this.#forward(tokens.slice(from, to), reader, { targets });
      scores.set(reply.logProbs!, from);
    }
    return scores;
  }

  async #forward(
    tokens: number[],
    reader: Reader,
    wanted: Pick<Partial<ForwardArgs>, 'logitRows' | 'targets' | 'draftAbove'>,
  ): Promise<ForwardReply & { ms: number }> {
    const began = await this.#turn();
    const { key, tokens: cached } = this.#sequence;
    const reply = await this.#core.worker.request('forward', {
      sequence: key,
      at: cached.length,
      tokens,
      ...reader,
      logitRows: 0,
      draftAbove: null,
      ...wanted,
    });
    this.#sequence.append([...tokens, ...reply.drafted], reply.byAll ? ALL_EXPERTS : expertsOf(reader));
    this.#account(reply);
    return { ...reply, ms: performance.now() - began };
  }

  /** Waits until the request may go on; when that was. */
  async #turn(): Promise<number> {
    const asked = performance.now();
    await this.#hooks.turn();
    if (this.#hooks.signal.aborted) throw cancelled();
    const began = performance.now();
    this.queueMs += began - asked;
    return began;
  }

  #account({ bytes, capacityRows }: CacheSize): void {
    this.#sequence.capacityRows = capacityRows;
    if (bytes === this.#sequence.bytes) return;
    this.#sequence.bytes = bytes;
    this.#core.sequences.evict();
  }

  *#chunks(segments: readonly Segment[], limit = Number.POSITIVE_INFINITY): Generator<Segment> {
    const isTrained = this.#core.manifest.experts?.kind === 'trained';
    for (const { from, to, ...reader } of segments) {
      const isFused = reader.experts === null && !isTrained;
      const size = Math.min(limit, isFused ? CHUNK_TOKENS.fused : CHUNK_TOKENS.routed);
      for (let start = from; start < to; start += size)
        yield { from: start, to: Math.min(start + size, to), ...reader };
    }
  }
}

function ignoreUnfit(error: unknown): null {
  if (toMoebiusError(error).code === 'format-invalid') return null;
  throw error;
}
