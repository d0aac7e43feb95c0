/**
 * The daemon's model with speeds that are given: texts, probabilities and counts of tokens are the model's own, and the
 * time that reading and writing them takes is computed. So a replay does not depend on what else the machine does, and
 * two of them can be compared.
 */
import type { Backend } from '../../src/backends/backend.ts';
import { cancelled } from '../../src/base/errors.ts';
import { completeParams } from '../../src/completion/request.ts';
import type { Complete, CompletionAnswer, CompletionCall } from '../../src/completion/runner.ts';
import type { Tally } from './tally.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** Tokens per second. */
export interface Speeds {
  read: number;
  write: number;
}
/** The default of `moebius.completion.decodeBudgetMs`. */
const DECODE_BUDGET_MS = 1500;
/** Never reached: where to stop is decided here. */
const NO_BUDGET_MS = 600_000;

export class ReplayedEngine {
  readonly #backend: Pick<Backend, 'complete'>;
  readonly #clock: VirtualClock;
  readonly #speeds: Speeds;
  readonly #tally: Tally;
  /** By sequence: tokens of its last prompt that had been read when it was broken off. The real one has read them all. */
  readonly #readUntil = new Map<string, number>();
  /** Ends with the request that runs. */
  #running: Promise<unknown> = Promise.resolve();

  constructor(backend: Pick<Backend, 'complete'>, clock: VirtualClock, speeds: Speeds, tally: Tally) {
    this.#backend = backend;
    this.#clock = clock;
    this.#speeds = speeds;
    this.#tally = tally;
  }

  readonly complete: Complete = (call, hooks) => {
    // Reading ahead waits until nothing else runs; what else there is has been ended by its client.
    const before = call.maxTokens === 0 ? this.#running : Promise.resolve();
    const answer = before.then(() => this.#answer(call, hooks));
    this.#running = answer.catch(() => undefined);
    return answer;
  };

  async #answer(call: CompletionCall, hooks: Parameters<Complete>[1]): Promise<CompletionAnswer> {
    if (hooks.signal.aborted) throw cancelled();
    const isReading = call.maxTokens === 0;
    if (!isReading) this.#tally.requests++;
    const startedMs = this.#clock.now();
    try {
      const read = await this.#read(call, hooks.signal);
      return isReading ? read : await this.#write(call, read, hooks);
    } catch (error) {
      if (hooks.signal.aborted && !isReading) this.#tally.cancelled++;
      throw error;
    } finally {
      this.#tally.computeMs += this.#clock.now() - startedMs;
    }
  }

  async #read(call: CompletionCall, signal: AbortSignal): Promise<CompletionAnswer> {
    const params = completeParams({ ...call, maxTokens: 0 }, NO_BUDGET_MS);
    const sequence = params.sequence!;
    const { usage, ...answer } = await this.#clock.outside(this.#backend.complete(params));
    const reused = Math.min(usage.reusedTokens, this.#readUntil.get(sequence) ?? Number.POSITIVE_INFINITY);
    const missing = usage.promptTokens - reused;
    if (call.maxTokens > 0) {
      this.#tally.promptTokens += usage.promptTokens;
      this.#tally.reusedTokens += reused;
    }
    const startedMs = this.#clock.now();
    await this.#clock.sleep((1000 * missing) / this.#speeds.read, signal);
    const prefillMs = this.#clock.now() - startedMs;
    const done = Math.min(missing, Math.floor((prefillMs * this.#speeds.read) / 1000));
    this.#tally.readTokens += done;
    if (signal.aborted) {
      this.#readUntil.set(sequence, reused + done);
      throw cancelled();
    }
    this.#readUntil.delete(sequence);
    return { ...answer, usage: { ...usage, reusedTokens: reused, prefillMs, queueMs: 0 } };
  }

  async #write(
    call: CompletionCall,
    read: CompletionAnswer,
    { signal, onText }: Parameters<Complete>[1],
  ): Promise<CompletionAnswer> {
    const pieces: string[] = [];
    // No more than there is time for.
    const maxTokens = Math.min(call.maxTokens, Math.ceil((DECODE_BUDGET_MS * this.#speeds.write) / 1000) + 2);
    const answer = await this.#clock.outside(
      this.#backend.complete(completeParams({ ...call, maxTokens }, NO_BUDGET_MS), {
        onEvent: event => {
          if (event.type === 'text') pieces.push(event.text);
        },
      }),
    );
    const { outputTokens } = answer.usage;
    const tokensPerPiece = outputTokens / Math.max(1, pieces.length);
    const startedMs = this.#clock.now();
    let text = '';
    let finish = answer.finish;
    for (const piece of pieces) {
      await this.#clock.sleep((1000 * tokensPerPiece) / this.#speeds.write, signal);
      if (signal.aborted) throw cancelled();
      this.#tally.writtenTokens += tokensPerPiece;
      text += piece;
      onText(piece);
      if (signal.aborted) throw cancelled();
      if (this.#clock.now() - startedMs > DECODE_BUDGET_MS) {
        finish = 'time';
        break;
      }
    }
    const decodeMs = this.#clock.now() - startedMs;
    return { ...answer, text, finish, usage: { ...read.usage, outputTokens, decodeMs } };
  }
}
