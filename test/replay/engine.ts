/**
 * The daemon's model with speeds that are given: texts, probabilities and tokens are the model's own, and the time that
 * reading and writing them takes is computed, as is what its sequences hold. So a replay does not depend on what else the
 * machine does, two of them can be compared, and the model is asked only for texts that there was time for.
 */
import type { Backend } from '../../src/backends/backend.ts';
import { cancelled } from '../../src/base/errors.ts';
import { completeParams } from '../../src/completion/request.ts';
import type { Complete, CompletionAnswer, CompletionCall } from '../../src/completion/runner.ts';
import type { CompleteParams, Usage } from '../../src/protocol/daemon.ts';
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

/** The prompt as the daemon makes it, in tokens. */
export type TokensOf = (params: Omit<CompleteParams, 'requestId'>) => readonly number[];

export class ReplayedEngine {
  readonly #backend: Pick<Backend, 'complete'>;
  readonly #tokensOf: TokensOf;
  readonly #clock: VirtualClock;
  readonly #speeds: Speeds;
  readonly #tally: Tally;
  /** By sequence: the tokens whose keys and values it holds. */
  readonly #held = new Map<string, readonly number[]>();
  /** Ends with the request that runs. */
  #running: Promise<unknown> = Promise.resolve();

  constructor(
    backend: Pick<Backend, 'complete'>,
    tokensOf: TokensOf,
    clock: VirtualClock,
    speeds: Speeds,
    tally: Tally,
  ) {
    this.#backend = backend;
    this.#tokensOf = tokensOf;
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
      const usage = await this.#read(call, hooks.signal);
      if (isReading) return { text: '', finish: 'length', meanLogProb: 0, usage };
      return await this.#write(call, usage, hooks);
    } catch (error) {
      if (hooks.signal.aborted && !isReading) this.#tally.cancelled++;
      throw error;
    } finally {
      const ms = this.#clock.now() - startedMs;
      this.#tally.computeMs += ms;
      if (isReading) this.#tally.aheadMs += ms;
    }
  }

  async #read(call: CompletionCall, signal: AbortSignal): Promise<Usage> {
    const params = completeParams(call, NO_BUDGET_MS);
    const tokens = this.#tokensOf(params);
    // The last token is always computed: it tells what comes next.
    const reused = Math.min(this.#reusable(params.sequence!, tokens), tokens.length - 1);
    const missing = tokens.length - reused;
    if (call.maxTokens > 0) {
      this.#tally.promptTokens += tokens.length;
      this.#tally.reusedTokens += reused;
    }
    const startedMs = this.#clock.now();
    await this.#clock.sleep((1000 * missing) / this.#speeds.read, signal);
    const prefillMs = this.#clock.now() - startedMs;
    const done = Math.min(missing, Math.floor((prefillMs * this.#speeds.read) / 1000));
    this.#tally.readTokens += done;
    this.#held.set(params.sequence!, tokens.slice(0, reused + done));
    if (signal.aborted) throw cancelled();
    return {
      promptTokens: tokens.length,
      reusedTokens: reused,
      outputTokens: 0,
      queueMs: 0,
      prefillMs,
      decodeMs: 0,
    };
  }

  #reusable(sequence: string, tokens: readonly number[]): number {
    const held = this.#held.get(sequence) ?? [];
    let count = 0;
    while (count < tokens.length && tokens[count] === held[count]) count++;
    return count;
  }

  async #write(
    call: CompletionCall,
    usage: Usage,
    { signal, onText, onUsage }: Parameters<Complete>[1],
  ): Promise<CompletionAnswer> {
    const pieces: { text: string; meanLogProb: number | undefined }[] = [];
    let meanLogProb: number | undefined;
    // No more than there is time for.
    const maxTokens = Math.min(call.maxTokens, Math.ceil((DECODE_BUDGET_MS * this.#speeds.write) / 1000) + 2);
    const params = completeParams({ ...call, maxTokens }, NO_BUDGET_MS);
    const answer = await this.#clock.outside(
      this.#backend.complete(params, {
        onEvent: event => {
          if (event.type === 'usage') meanLogProb = event.meanLogProb;
          else if (event.type === 'text') pieces.push({ text: event.text, meanLogProb });
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
      text += piece.text;
      const decodeMs = this.#clock.now() - startedMs;
      if (piece.meanLogProb !== undefined) onUsage?.({ ...usage, decodeMs }, piece.meanLogProb);
      onText(piece.text);
      if (signal.aborted) throw cancelled();
      if (this.#clock.now() - startedMs > DECODE_BUDGET_MS) {
        finish = 'time';
        break;
      }
    }
    // What was written is held as well, and is there when it is accepted.
    this.#held.set(params.sequence!, this.#tokensOf({ ...params, middle: params.middle + text }));
    const decodeMs = this.#clock.now() - startedMs;
    return { ...answer, text, finish, usage: { ...usage, outputTokens, decodeMs } };
  }
}
