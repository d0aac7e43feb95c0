/** One daemon process from its start to its end: handshake, health, the ways to stop it. Restarting is the supervisor's. */
import type { Clock } from '../../base/clock.ts';
import { type Disposable, DisposableBag } from '../../base/disposable.ts';
import { MoebiusError } from '../../base/errors.ts';
import type { InitializeResult } from '../../protocol/daemon.ts';
import { PROTOCOL_VERSION } from '../../protocol/version.ts';
import type { DaemonPeer } from '../../rpc/daemon-peer.ts';
import { Peer } from '../../rpc/peer.ts';
import { describeExit } from './exit-reason.ts';
import type { DaemonProcess, ExitInfo } from './spawn.ts';

export interface Timings {
  /** From spawn to the answer to `initialize`; generous, a cold disk and a virus scanner take their time. */
  startMs: number;
  pingEveryMs: number;
  /** Pings in a row without an answer before the process is killed. */
  pingMisses: number;
  /** For `shutdown` and the exit after it, then for SIGTERM; then SIGKILL. Together under 3 s. */
  shutdownMs: number;
  terminateMs: number;
}
export const DEFAULT_TIMINGS: Timings = {
  startMs: 30_000,
  pingEveryMs: 5000,
  pingMisses: 3,
  shutdownMs: 1000,
  terminateMs: 500,
};

/** A process whose streams are closed but which has not exited is killed after this. */
const EXIT_AFTER_CLOSE_MS = 500;
/** Requests that put the model to work: a death during one counts against the model. */
const MODEL_METHODS: readonly string[] = ['model/load', 'generate', 'complete'];

export interface SessionEnd {
  reason: MoebiusError;
  /** It ended because `stop` asked for it. */
  wasAsked: boolean;
  wasModelAtWork: boolean;
}

export class Session {
  readonly peer: DaemonPeer;
  /** Resolves, never rejects, when the process is gone and every pending request was rejected. */
  readonly ended: Promise<SessionEnd>;
  readonly #process: DaemonProcess;
  readonly #clock: Clock;
  readonly #timings: Timings;
  readonly #bag = new DisposableBag();
  #nextPing: Disposable | null = null;
  #isStopping = false;
  #killReason: string | null = null;
  #wasModelAtWork = false;

  constructor(process: DaemonProcess, clock: Clock, timings: Timings, log: (message: string) => void) {
    this.#process = process;
    this.#clock = clock;
    this.#timings = timings;
    this.peer = new Peer(process.stdout, process.stdin, { explain: cause => this.#explain(cause), log });
    this.#bag.add(process.onStderrLine(log));
    this.#bag.add({ dispose: () => this.#nextPing?.dispose() });
    this.ended = this.#watch();
  }

  /** The handshake. Rejects with `version-mismatch`, with `timeout`, or with the reason of the process' death. */
  async initialize(clientName: string): Promise<InitializeResult> {
    const params = { protocolVersion: PROTOCOL_VERSION, clientName, parentPid: process.pid };
    const result = await this.#within(this.#timings.startMs, signal =>
      this.peer.request('initialize', params, { signal }),
    );
    if (!result) {
      this.kill(`It did not answer within ${this.#timings.startMs / 1000} s of its start.`);
      throw (await this.ended).reason;
    }
    this.#ping(0);
    return result;
  }

  kill(reason: string): void {
    this.#killReason ??= reason;
    this.#process.kill('SIGKILL');
  }

  /** Asks, insists, kills; resolves when the process is gone. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    const { shutdownMs, terminateMs } = this.#timings;
    void this.peer.request('shutdown', {}).catch(() => undefined);
    if (await this.#isGoneWithin(shutdownMs)) return;
    this.#process.kill('SIGTERM');
    if (await this.#isGoneWithin(terminateMs)) return;
    this.#process.kill('SIGKILL');
    await this.ended;
  }

  async #watch(): Promise<SessionEnd> {
    const closed = new Promise<MoebiusError>(resolve => this.peer.onClose(resolve));
    const exit = await this.#process.exited;
    // Its streams normally closed before; if something else holds them open, that must not keep requests waiting.
    if (!this.peer.isClosed) {
      this.#noteWork();
      this.peer.close(this.#reason(exit));
    }
    const reason = await closed;
    this.#bag.dispose();
    return { reason, wasAsked: this.#isStopping, wasModelAtWork: this.#wasModelAtWork };
  }

  /** Turns "the stream ended" into what happened to the process. */
  async #explain(cause: MoebiusError): Promise<MoebiusError> {
    this.#noteWork();
    if (cause.code === 'format-invalid') this.kill(cause.message);
    const insist = this.#clock.after(EXIT_AFTER_CLOSE_MS, () => this.kill('It closed its connection.'));
    const exit = await this.#process.exited;
    insist.dispose();
    return this.#reason(exit, cause);
  }

  #noteWork(): void {
    this.#wasModelAtWork = this.peer.pendingMethods.some(method => MODEL_METHODS.includes(method));
  }

  #reason(exit: ExitInfo, cause?: MoebiusError): MoebiusError {
    const text = this.#isStopping
      ? 'The inference daemon was stopped.'
      : this.#killReason !== null
        ? `The inference daemon was ended. ${this.#killReason}`
        : describeExit(exit, this.#process.stderrTail());
    return new MoebiusError('daemon-down', text, { cause });
  }

  /** The thread that answers is not the one that computes, so a long native run does not look like a hang. */
  #ping(misses: number): void {
    const { pingEveryMs, pingMisses } = this.#timings;
    const next = async () => {
      const answer = await this.#within(pingEveryMs, signal =>
        this.peer.request('ping', {}, { signal }),
      ).catch(() => null);
      if (this.peer.isClosed) return;
      if (!answer && misses + 1 >= pingMisses) this.kill(`It did not answer ${pingMisses} times in a row.`);
      else this.#ping(answer ? 0 : misses + 1);
    };
    this.#nextPing = this.#clock.after(pingEveryMs, () => void next());
  }

  /** The result of `work`, or null (and its signal aborted) after `ms`. */
  async #within<T>(ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T | null> {
    const abort = new AbortController();
    const timer = this.#clock.after(ms, () => abort.abort());
    try {
      return await work(abort.signal);
    } catch (error) {
      if (abort.signal.aborted) return null;
      throw error;
    } finally {
      timer.dispose();
    }
  }

  #isGoneWithin(ms: number): Promise<boolean> {
    return new Promise(resolve => {
      const timer = this.#clock.after(ms, () => resolve(false));
      void this.ended.then(() => {
        timer.dispose();
        resolve(true);
      });
    });
  }
}
