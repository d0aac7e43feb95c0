/**
 * One end of a JSON-RPC connection over two byte streams: vscode-jsonrpc with the guarantees it does not give.
 * - every request settles: the moment the connection dies all pending ones are rejected with the reason;
 * - a request after that is a rejected promise, never a throw;
 * - writes are awaited, so that a slow reader slows the writer instead of filling its memory;
 * - a broken frame is fatal and named (see framing-guard.ts), so a request that would be one is not sent;
 * - a request that is cancelled while it still waits in the queue never reaches its handler.
 */
import type { Readable, Writable } from 'node:stream';
import {
  type CancellationToken,
  CancellationTokenSource,
  createMessageConnection,
  Message,
  type MessageConnection,
  type ResponseMessage,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-jsonrpc/node';
import { orAborted } from '../base/abort.ts';
import { Deferred } from '../base/deferred.ts';
import type { Disposable } from '../base/disposable.ts';
import { Emitter } from '../base/emitter.ts';
import { cancelled, MoebiusError, toMoebiusError } from '../base/errors.ts';
import { LIMITS } from '../protocol/daemon.ts';
import { fromResponseError, toResponseError } from './errors.ts';
import { FramingGuard } from './framing-guard.ts';

/** method -> [params, result] and method -> params, as in protocol/daemon.ts. */
type Requests<R> = { [M in keyof R]: [params: unknown, result: unknown] };

/** Well-framed messages that are not JSON-RPC. A few are survivable, more mean that the other side is broken. */
const MAX_MALFORMED = 10;
/** What JSON-RPC puts around the params of a request, at most. */
const ENVELOPE_BYTES = 200;

export interface PeerOptions {
  /**
   * Called when the connection died by itself; its result is what pending requests are rejected with. Here the owner
   * of a child process waits for the exit status, so that the reason can name it. Must settle soon.
   */
  explain?(cause: MoebiusError): Promise<MoebiusError>;
  log?(message: string): void;
}

export interface RequestActivity {
  method: string;
  state: 'sent' | 'answered' | 'failed';
}

/**
 * `OutR`/`OutN`: requests and notifications this end sends; `InR`/`InN`: those it serves.
 * Handlers get the params unchecked: validating them is the server's business.
 */
export class Peer<
  OutR extends Requests<OutR>,
  OutN extends object,
  InR extends Requests<InR>,
  InN extends object,
> {
  readonly #connection: MessageConnection;
  readonly #options: PeerOptions;
  readonly #requestHandlers = new Map<string, (params: unknown, signal: AbortSignal) => Promise<unknown>>();
  readonly #notificationHandlers = new Map<string, (params: unknown) => void>();
  readonly #pending = new Map<Deferred<never>, string>();
  readonly #activity = new Emitter<RequestActivity>();
  readonly #closed = new Emitter<MoebiusError>();
  /** One for every request that is being served. */
  readonly #serving = new Set<AbortController>();
  #closeReason: MoebiusError | null = null;
  #malformed = 0;

  /** Every request this end sends: when it goes out and how it ended. */
  readonly onActivity = this.#activity.event;
  /** Fires once, after all pending requests were rejected with the same reason. */
  readonly onClose = this.#closed.event;

  constructor(input: Readable, output: Writable, options: PeerOptions = {}) {
    this.#options = options;
    const guard = new FramingGuard();
    guard.on('error', error => this.#die(toMoebiusError(error)));
    input.on('error', error => this.#die(streamFailure('reading from', error)));
    output.on('error', error => this.#die(streamFailure('writing to', error)));
    output.on('close', () => this.#die(new MoebiusError('daemon-down', 'The connection was closed.')));
    // Not `finished`: an input that ends in the middle of a frame is reported by the guard, with that cause.
    guard.on('end', () =>
      this.#die(new MoebiusError('daemon-down', 'The other side closed the connection.')),
    );
    input.on('close', () => !input.readableEnded && guard.end());
    input.pipe(guard);
    const reader = new StreamMessageReader(guard);
    // The reader's timer for half a message starts itself again for ever, also when the stream has ended there, and
    // keeps the process alive. Nobody listens to it: a daemon that hangs is found by its pings.
    reader.partialMessageTimeout = 0;
    this.#connection = createMessageConnection(
      reader,
      new StreamMessageWriter(output),
      { error: this.#log, warn: this.#log, info: this.#log, log: this.#log },
      { connectionStrategy: { cancelUndispatched: refuseCancelled } },
    );
    this.#connection.onError(([error]) => this.#onMalformed(error));
    this.#connection.onRequest((method, params, token) => this.#serve(method, params, token));
    this.#connection.onNotification((method, params) => this.#notificationHandlers.get(method)?.(params));
    this.#connection.listen();
  }

  get isClosed(): boolean {
    return this.#closeReason !== null;
  }

  /** Methods of the requests that wait for an answer, one entry each. */
  get pendingMethods(): string[] {
    return [...this.#pending.values()];
  }

  /**
   * Rejects with the MoebiusError that the other side threw, with `cancelled` at once when `signal` aborts (the other
   * side is told, its late answer is dropped), with `bad-request` when it is larger than a message may be, or with the
   * reason of the connection's death.
   */
  request<M extends keyof OutR & string>(
    method: M,
    params: OutR[M][0],
    options: { signal?: AbortSignal | undefined } = {},
  ): Promise<OutR[M][1]> {
    const { signal } = options;
    if (this.#closeReason) return Promise.reject(this.#closeReason);
    if (signal?.aborted) return Promise.reject(cancelled());
    const source = new CancellationTokenSource();
    const cancel = () => source.cancel();
    signal?.addEventListener('abort', cancel, { once: true });
    const death = new Deferred<never>();
    this.#pending.set(death, method);
    this.#activity.fire({ method, state: 'sent' });
    // In an async function, because sendRequest throws instead of rejecting when its stream is already closed.
    const send = async () => {
      refuseTooLarge(params);
      return this.#connection.sendRequest<OutR[M][1]>(method, params, source.token);
    };
    return orAborted(Promise.race([send(), death.promise]), signal)
      .then(
        result => {
          this.#activity.fire({ method, state: 'answered' });
          return result;
        },
        error => {
          this.#activity.fire({ method, state: 'failed' });
          throw fromResponseError(error);
        },
      )
      .finally(() => {
        this.#pending.delete(death);
        signal?.removeEventListener('abort', cancel);
      });
  }

  /** Resolves when the bytes were taken by the stream: await it, that is the back-pressure. No-op on a dead peer. */
  async notify<M extends keyof OutN & string>(method: M, params: OutN[M]): Promise<void> {
    if (this.#closeReason) return;
    // A failed write ends the connection through the stream's own error event, where it is reported.
    await this.#connection.sendNotification(method, params).catch(() => undefined);
  }

  onRequest<M extends keyof InR & string>(
    method: M,
    handler: (params: unknown, signal: AbortSignal) => Promise<InR[M][1]>,
  ): void {
    this.#requestHandlers.set(method, handler);
  }

  onNotification<M extends keyof InN & string>(method: M, handler: (params: InN[M]) => void): Disposable {
    this.#notificationHandlers.set(method, params => handler(params as InN[M]));
    return { dispose: () => this.#notificationHandlers.delete(method) };
  }

  /** Ends the connection from this side; everything pending is rejected with `reason`. The streams stay open. */
  close(reason = new MoebiusError('daemon-down', 'The connection was closed.')): void {
    if (this.#closeReason) return;
    this.#closeReason = reason;
    this.#finish(reason);
  }

  readonly #log = (message: string): void => this.#options.log?.(message);

  async #serve(method: string, params: unknown, token: CancellationToken): Promise<unknown> {
    const handler = this.#requestHandlers.get(method);
    if (!handler) return toResponseError(new MoebiusError('unsupported', `There is no method ${method}.`));
    const abort = new AbortController();
    const subscription = token.onCancellationRequested(() => abort.abort());
    if (token.isCancellationRequested) abort.abort();
    this.#serving.add(abort);
    try {
      return await handler(params, abort.signal);
    } catch (error) {
      if (toMoebiusError(error).code === 'internal') this.#log(`${method} failed: ${describe(error)}`);
      return toResponseError(error);
    } finally {
      subscription.dispose();
      this.#serving.delete(abort);
    }
  }

  #onMalformed(error: Error): void {
    this.#log(`Malformed message ignored: ${error.message}`);
    this.#malformed++;
    if (this.#malformed > MAX_MALFORMED) {
      this.#die(
        new MoebiusError('format-invalid', `Too many malformed messages, the last: ${error.message}`),
      );
    }
  }

  async #die(cause: MoebiusError): Promise<void> {
    if (this.#closeReason) return;
    this.#closeReason = cause;
    const reason = this.#options.explain ? await this.#options.explain(cause).catch(toMoebiusError) : cause;
    this.#closeReason = reason;
    this.#finish(reason);
  }

  #finish(reason: MoebiusError): void {
    // Before dispose(), which would reject them with a reason of its own.
    for (const death of [...this.#pending.keys()]) death.reject(reason);
    this.#connection.dispose();
    for (const abort of this.#serving) abort.abort();
    this.#closed.fire(reason);
  }
}

function refuseTooLarge(params: unknown): void {
  const bytes = Buffer.byteLength(JSON.stringify(params) ?? '');
  if (bytes + ENVELOPE_BYTES <= LIMITS.messageBytes) return;
  const megabytes = (bytes / 2 ** 20).toFixed(1);
  const limit = LIMITS.messageBytes / 2 ** 20;
  throw new MoebiusError(
    'bad-request',
    `The request is too large: ${megabytes} MB, and ${limit} MB are the most that is sent.`,
  );
}

/** Answers a request that was cancelled before it was dispatched; without this its handler would still run. */
function refuseCancelled(message: Message): ResponseMessage | undefined {
  if (!Message.isRequest(message)) return undefined;
  return { jsonrpc: '2.0', id: message.id, error: toResponseError(cancelled()).toJson() };
}

function streamFailure(doing: string, cause: Error): MoebiusError {
  return new MoebiusError(
    'daemon-down',
    `The connection broke while ${doing} the other side: ${cause.message}`,
    {
      cause,
    },
  );
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
