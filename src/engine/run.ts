/** One request's way through its sequence: reads the prompt in chunks, then takes steps of one or a few tokens. */
import { cancelled } from '../base/errors.ts';
import type { LevelPlan } from '../models/manifest.ts';
import type { EngineCore } from './core.ts';
import type { RunHooks } from './engine.ts';
import { planRead, type Segment } from './read-plan.ts';
import type { Sequence } from './sequences.ts';
import type { ForwardArgs, ForwardReply } from './session/wire.ts';

/**
 * Tokens of a prompt read at once. Cancelling and giving way happen between chunks, so they are short; 64 are read at 97 %
 * of the speed of 256 (1.5B, two cores). The routed graph deals its rows out to many experts and so wants more of them.
 */
const CHUNK_TOKENS = { body: 64, routed: 128 };
/** Shorter chunks say nothing about reading speed. */
const MEASURED_TOKENS = 32;

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
    for (const { from, to, experts } of chunked(segments)) {
      const isLast = to === prompt.length;
      const reply = await this.#forward(prompt.slice(from, to), experts, { logitRows: isLast ? 1 : 0 });
      this.prefillMs += reply.ms;
      if (to - from >= MEASURED_TOKENS) this.#core.prefillMeter.add(to - from, reply.ms);
      logits = reply.logits;
      if (!onProgress(to, reused) && !isLast) return null;
    }
    return logits;
  }

  /**
   * Appends `tokens` to the sequence, and what the model's drafter guesses to follow (see ForwardArgs.draftAbove); logits
   * f32 [vocab] after each of them. Throws `cancelled`.
   */
  async step(
    tokens: number[],
    draftAbove: number | null,
  ): Promise<{ rows: Float32Array[]; drafted: number[] }> {
    const wanted = { logitRows: tokens.length, draftAbove };
    const { logits, drafted, ms } = await this.#forward(tokens, this.#level.writeK, wanted);
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
    for (const { from, to, experts } of chunked(planRead(this.#sequence, tokens, this.#level).segments)) {
      const targets = tokens.slice(from + 1, to + 1);
      const reply = await this.#forward(tokens.slice(from, to), experts, { targets });
      scores.set(reply.logProbs!, from);
    }
    return scores;
  }

  async #forward(
    tokens: number[],
    experts: number | null,
    wanted: Pick<Partial<ForwardArgs>, 'logitRows' | 'targets' | 'draftAbove'>,
  ): Promise<ForwardReply & { ms: number }> {
    const asked = performance.now();
    await this.#hooks.turn();
    if (this.#hooks.signal.aborted) throw cancelled();
    const began = performance.now();
    this.queueMs += began - asked;

    const { key, tokens: cached } = this.#sequence;
    const reply = await this.#core.worker.request('forward', {
      sequence: key,
      at: cached.length,
      tokens,
      experts,
      logitRows: 0,
      draftAbove: null,
      ...wanted,
    });
    this.#sequence.append([...tokens, ...reply.drafted], experts);
    if (reply.bytes !== this.#sequence.bytes) {
      this.#sequence.bytes = reply.bytes;
      this.#core.sequences.evict();
    }
    this.#sequence.capacityRows = reply.capacityRows;
    return { ...reply, ms: performance.now() - began };
  }
}

function* chunked(segments: readonly Segment[]): Generator<Segment> {
  for (const { from, to, experts } of segments) {
    const size = experts === null ? CHUNK_TOKENS.body : CHUNK_TOKENS.routed;
    for (let start = from; start < to; start += size)
      yield { from: start, to: Math.min(start + size, to), experts };
  }
}
