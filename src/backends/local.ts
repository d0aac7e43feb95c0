/** The daemon as a backend: request ids, events routed to the request they belong to, abort signals as cancellation. */
import { randomUUID } from 'node:crypto';
import { orAborted } from '../base/abort.ts';
import type {
  CompleteParams,
  CompleteResult,
  CountParams,
  CountResult,
  GenerateEvent,
  GenerateParams,
  GenerateResult,
} from '../protocol/daemon.ts';
import type { DaemonPeer } from '../rpc/daemon-peer.ts';
import type { Backend, RequestOptions } from './backend.ts';

export class LocalBackend implements Backend {
  readonly #connect: (signal?: AbortSignal) => Promise<DaemonPeer>;
  readonly #listeners = new Map<string, (event: GenerateEvent) => void>();
  readonly #known = new WeakSet<DaemonPeer>();
  /** Distinguishes this client's requests from those of any other on the same daemon. */
  readonly #prefix = randomUUID().slice(0, 8);
  #count = 0;

  /** `connect` resolves with a peer whose model is loaded; it is asked for every request, since daemons are restarted. */
  constructor(connect: (signal?: AbortSignal) => Promise<DaemonPeer>) {
    this.#connect = connect;
  }

  generate(params: Omit<GenerateParams, 'requestId'>, options: RequestOptions = {}): Promise<GenerateResult> {
    return this.#run(options, (peer, requestId, { signal }) =>
      peer.request('generate', { ...params, requestId }, { signal }),
    );
  }

  complete(params: Omit<CompleteParams, 'requestId'>, options: RequestOptions = {}): Promise<CompleteResult> {
    return this.#run(options, (peer, requestId, { signal }) =>
      peer.request('complete', { ...params, requestId }, { signal }),
    );
  }

  async count(params: CountParams, { signal }: Pick<RequestOptions, 'signal'> = {}): Promise<CountResult> {
    const peer = await orAborted(this.#connect(signal), signal);
    return peer.request('tokens/count', params, { signal });
  }

  async #run<R>(
    options: RequestOptions,
    send: (peer: DaemonPeer, requestId: string, options: RequestOptions) => Promise<R>,
  ): Promise<R> {
    const peer = await orAborted(this.#connect(options.signal), options.signal);
    this.#route(peer);
    const requestId = `${this.#prefix}-${++this.#count}`;
    if (options.onEvent) this.#listeners.set(requestId, options.onEvent);
    try {
      return await send(peer, requestId, options);
    } finally {
      // Events that are still under way after a cancellation find nobody.
      this.#listeners.delete(requestId);
    }
  }

  #route(peer: DaemonPeer): void {
    if (this.#known.has(peer)) return;
    this.#known.add(peer);
    peer.onNotification('generate/event', ({ requestId, event }) => this.#listeners.get(requestId)?.(event));
  }
}
