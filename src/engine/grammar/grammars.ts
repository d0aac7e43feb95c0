/** The grammars of one model: compiled and matched in a thread of their own, which starts with the first that is asked for. */
import { orAborted } from '../../base/abort.ts';
import { MoebiusError } from '../../base/errors.ts';
import { GrammarThread, Refusal, TookTooLong } from './thread.ts';
import type { GrammarSource, TokenMask, VocabularyArgs } from './wire.ts';

export interface GrammarLimits {
  /** Far above what tools and ordinary schemas take (docs/engine.md). */
  compileMs: number;
  /** A token takes well under 1 ms; this only ends what hangs. */
  stepMs: number;
}
const LIMITS: GrammarLimits = { compileMs: 20_000, stepMs: 10_000 };

/** A thread, until it is idle and of no more use. */
interface Lease {
  thread: GrammarThread;
  matches: number;
  /** A refused grammar aborts the library in the midst of things: what runs on may end, nothing new is begun. */
  isSpoilt: boolean;
}

export class Grammars {
  readonly #vocabulary: VocabularyArgs;
  readonly #limits: GrammarLimits;
  #lease: Lease | null = null;
  #nextKey = 1;

  constructor(vocabulary: VocabularyArgs, limits = LIMITS) {
    this.#vocabulary = vocabulary;
    this.#limits = limits;
  }

  /** A match at its beginning; to be closed. Throws `bad-request` with what is wrong with the grammar, `cancelled`. */
  open(source: GrammarSource, signal: AbortSignal): Promise<Match> {
    const opening = this.#open(source);
    // Nobody waits for it any more, but it may still come.
    const close = () => opening.then(match => match.close()).catch(() => undefined);
    signal.addEventListener('abort', close, { once: true });
    return orAborted(opening, signal).finally(() => signal.removeEventListener('abort', close));
  }

  dispose(): void {
    this.#lease?.thread.end();
  }

  async #open(source: GrammarSource): Promise<Match> {
    const lease = this.#takeLease();
    const { thread } = lease;
    const key = this.#nextKey++;
    const close = () => {
      thread.request('close', { key }, this.#limits.stepMs).catch(() => undefined);
      this.#release(lease);
    };
    try {
      const mask = await thread.request('open', { key, source }, this.#limits.compileMs);
      return new Match(mask, token => this.#step(thread, key, token), close);
    } catch (error) {
      lease.isSpoilt = true;
      this.#release(lease);
      throw toBadRequest(error, `${this.#limits.compileMs / 1000} s to compile`);
    }
  }

  async #step(thread: GrammarThread, key: number, token: number): Promise<TokenMask> {
    try {
      return await thread.request('accept', { key, token }, this.#limits.stepMs);
    } catch (error) {
      throw toBadRequest(error, `${this.#limits.stepMs / 1000} s for one token`);
    }
  }

  #takeLease(): Lease {
    if (!this.#lease || this.#lease.isSpoilt || this.#lease.thread.isGone) {
      const thread = new GrammarThread();
      // In the order of requests: it is there before anything is compiled. A failure of it fails what follows too.
      thread.request('vocabulary', this.#vocabulary, this.#limits.compileMs).catch(() => undefined);
      this.#lease = { thread, matches: 0, isSpoilt: false };
    }
    this.#lease.matches++;
    return this.#lease;
  }

  #release(lease: Lease): void {
    lease.matches--;
    if (lease.isSpoilt && lease.matches === 0) lease.thread.end();
  }
}

/** One text that is being written, and what may come next in it. */
export class Match {
  #mask: TokenMask;
  readonly #next: (token: number) => Promise<TokenMask>;
  readonly #close: () => void;

  constructor(mask: TokenMask, next: (token: number) => Promise<TokenMask>, close: () => void) {
    this.#mask = mask;
    this.#next = next;
    this.#close = close;
  }

  /** What may come next; an end token only where the text may end. */
  get mask(): TokenMask {
    return this.#mask;
  }

  /** Goes on by a token of the mask, no end token. Not to be called again before it has resolved. */
  async accept(token: number): Promise<void> {
    this.#mask = await this.#next(token);
  }

  close(): void {
    this.#close();
  }
}

function toBadRequest(error: unknown, limit: string): unknown {
  if (error instanceof Refusal)
    return new MoebiusError('bad-request', `The grammar can't be used: ${error.message}`);
  if (error instanceof TookTooLong) {
    const hint = 'Make it smaller; long bounded strings (`maxLength`, `pattern`) cost most.';
    return new MoebiusError('bad-request', `The grammar took more than ${limit}. ${hint}`);
  }
  return error;
}
