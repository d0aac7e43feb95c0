/** Every method of the daemon on one connection. Knows no process: tests run it over streams in memory. */
import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../base/clock.ts';
import { MoebiusError } from '../base/errors.ts';
import { Throttle } from '../base/throttle.ts';
import type { Engine, LoadOptions } from '../engine/engine.ts';
import type {
  DaemonRequests,
  InitializeParams,
  InitializeResult,
  LogParams,
  ModelSummary,
} from '../protocol/daemon.ts';
import type { ClientPeer } from '../rpc/daemon-peer.ts';
import { Peer } from '../rpc/peer.ts';
import { handleInitialize } from './handlers/initialize.ts';
import { handleModel } from './handlers/model.ts';
import { handleRuns } from './handlers/runs.ts';
import { handleStatus } from './handlers/status.ts';
import { handleTokens } from './handlers/tokens.ts';
import { IdleTask } from './idle-task.ts';
import type { PageFolder } from './kv/page-folder.ts';
import { KvSaver } from './kv/saver.ts';
import { type ModelStore, Residency } from './residency.ts';
import { Scheduler } from './scheduler.ts';
import { StatusBoard } from './status.ts';

/** `status/changed` at most this often. */
const STATUS_INTERVAL_MS = 250;
/** Nobody has wanted anything for this long: the self-test may have the processor for a few seconds. */
const QUIET_MS = 30_000;

export interface ServerOptions {
  input: Readable;
  output: Writable;
  clock: Clock;
  store: ModelStore;
  loadEngine(options: LoadOptions): Promise<Engine>;
  /** Where keys and values of a model are saved; null or left out: nowhere. */
  openPages?(model: ModelSummary): Promise<PageFolder | null>;
  /** Threads of a model's sessions where the client does not say. */
  threads(): Promise<number>;
  /** Measures the machine unless that was done before; run once, while nobody wants anything. */
  selfTest(signal: AbortSignal): Promise<void>;
  about: Omit<InitializeResult, 'protocolVersion' | 'pid'>;
  onInitialized(params: InitializeParams): void;
  /** The client asked for the end and has its answer. */
  onShutdown(): void;
  /** The connection died; requests have been cancelled already. */
  onClose(reason: MoebiusError): void;
}

/** What a handler file gets. */
export interface ServerContext {
  options: ServerOptions;
  peer: ClientPeer;
  scheduler: Scheduler;
  residency: Residency;
  status: StatusBoard;
  selfTest: IdleTask;
  statusChanged(): void;
  /** Registers a method that only an initialized client may call. */
  serve<M extends keyof DaemonRequests>(
    method: M,
    handler: (params: unknown, signal: AbortSignal) => Promise<DaemonRequests[M][1]>,
  ): void;
  state: { isInitialized: boolean };
}

export interface Server {
  log(level: LogParams['level'], message: string): void;
  /** Lets the model go. */
  dispose(): Promise<void>;
}

export function createServer(options: ServerOptions): Server {
  const { clock } = options;
  const peer: ClientPeer = new Peer(options.input, options.output, { log: message => log('warn', message) });
  const log = (level: LogParams['level'], message: string) => void peer.notify('log', { level, message });
  const state = { isInitialized: false };
  const sendStatus = new Throttle(clock, STATUS_INTERVAL_MS, () => {
    if (state.isInitialized) void peer.notify('status/changed', status.read());
  });
  const onChange = () => {
    sendStatus.call();
    selfTest.noteChange();
  };
  const scheduler = new Scheduler(clock, () => {
    onChange();
    saver.noteActivity();
  });
  const residency = new Residency({
    store: options.store,
    loadEngine: options.loadEngine,
    openPages: async model => (await options.openPages?.(model)) ?? null,
    clock,
    drain: reason => scheduler.drain(reason),
    beforeDispose: model => saver.saveLast(model),
    onProgress: (model, percent) => void peer.notify('model/loadProgress', { model, percent }),
    onChange,
    threads: options.threads,
    log: message => log('info', message),
  });
  const saver = new KvSaver({
    clock,
    isIdle: () => scheduler.isIdle,
    loaded: () => residency.savable,
    log: message => log('warn', message),
  });
  const status = new StatusBoard({ clock, scheduler, residency });
  const selfTest = new IdleTask({
    clock,
    quietMs: QUIET_MS,
    isBusy: () => !scheduler.isIdle || residency.loading !== null,
    run: options.selfTest,
    log: message => log('warn', `Self-test: ${message}`),
  });
  const serve: ServerContext['serve'] = (method, handler) =>
    peer.onRequest(method, async (params, signal) => {
      if (!state.isInitialized) throw new MoebiusError('bad-request', `Call initialize before ${method}.`);
      return handler(params, signal);
    });
  const context = {
    options,
    peer,
    scheduler,
    residency,
    status,
    selfTest,
    statusChanged: onChange,
    serve,
    state,
  };
  handleInitialize(context);
  handleModel(context);
  handleRuns(context);
  handleTokens(context);
  handleStatus(context);
  peer.onClose(reason => options.onClose(reason));
  return {
    log,
    async dispose() {
      sendStatus.dispose();
      await Promise.all([selfTest.dispose(), residency.unload()]);
    },
  };
}
