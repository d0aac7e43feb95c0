/**
 * Keeps one daemon alive and its model loaded: idle -> starting -> loading -> ready, `backoff` after a crash, `failed`
 * after too many, `stopped` on request. Callers wait in `ready` across restarts; what was running when the process died
 * has been rejected with the reason. Free of vscode, so that tests run it with the real process.
 */
import { orAborted } from '../../base/abort.ts';
import type { Clock } from '../../base/clock.ts';
import { Deferred } from '../../base/deferred.ts';
import { Emitter } from '../../base/emitter.ts';
import { MoebiusError, toMoebiusError } from '../../base/errors.ts';
import type {
  LogParams,
  ModelInfo,
  ModelLoadParams,
  ModelSummary,
  StatusResult,
} from '../../protocol/daemon.ts';
import type { DaemonPeer } from '../../rpc/daemon-peer.ts';
import type { Daemon, DaemonState } from '../context.ts';
import {
  afterAnswer,
  afterCrash,
  afterReady,
  type History,
  isQuarantined,
  NO_HISTORY,
  pardon,
} from './backoff.ts';
import { DEFAULT_TIMINGS, Session, type SessionEnd, type Timings } from './session.ts';
import type { DaemonProcess } from './spawn.ts';

/** A model that could not be loaded is not loaded again for so long, unless somebody asks for it by name or changes the settings. */
const REFUSED_MS = 20_000;

/** What the user has set; read anew before every load. */
export type DaemonSettings = Omit<ModelLoadParams, 'model'> & { model: string | null };

export interface SupervisorOptions {
  spawn(): DaemonProcess;
  settings(): DaemonSettings;
  clock: Clock;
  /** Name and version of the client, for the handshake's error. */
  clientName: string;
  log(level: LogParams['level'], message: string): void;
  timings?: Partial<Timings>;
  random?: () => number;
}

export class Supervisor implements Daemon {
  readonly #options: SupervisorOptions;
  readonly #timings: Timings;
  readonly #changed = new Emitter<DaemonState>();
  #state: DaemonState = { kind: 'idle' };
  #restarting: Promise<void> | null = null;
  /** Why these settings' model could not be loaded: a suggestion asked for at every pause is not to read it again each time. */
  #refusal: { settings: string; reason: MoebiusError; untilMs: number } | null = null;
  #history: History = NO_HISTORY;
  /** Set while the process is up and shook hands. */
  #session: Session | null = null;
  /** The process that is starting or up. */
  #process: Session | null = null;
  /** The life of start, crash, restart; null when nothing should run. */
  #life: Promise<void> | null = null;
  #stopping = new AbortController();
  #connected = quiet(new Deferred<Session>());
  #model = quiet(new Deferred<ModelInfo>());
  /** Someone asked for a model, so it is loaded again after a restart. */
  #isModelWanted = false;
  /** Asked for by name and not loaded yet; goes before the setting. */
  #requested: string | null = null;
  /** Key of what is loaded, or was last; see loadKey. */
  #loadKey = '';
  /** Ends the wait for the load that a newer one replaces. */
  #loading = new AbortController();
  #status: StatusResult | null = null;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#timings = { ...DEFAULT_TIMINGS, ...options.timings };
  }

  get state(): DaemonState {
    return this.#state;
  }

  readonly onDidChangeState = this.#changed.event;

  ready(signal?: AbortSignal): Promise<ModelInfo> {
    const isFirst = !this.#isModelWanted;
    this.#isModelWanted = true;
    const refusal = this.#refusal;
    const isSame = refusal !== null && refusal.settings === JSON.stringify(this.#options.settings());
    if (isSame && this.#options.clock.now() < refusal.untilMs) return Promise.reject(refusal.reason);
    // Asked again after it could not be loaded: the user may have got the model, or changed the setting, meanwhile.
    if (this.#session && (isFirst || this.#state.kind === 'no-model')) {
      this.#renewModel();
      void this.#loadModel(this.#session);
    }
    this.#start();
    return orAborted(this.#model.promise, signal);
  }

  /** For the local backend: the connection to a daemon whose model is loaded. */
  async connect(signal?: AbortSignal): Promise<DaemonPeer> {
    await this.ready(signal);
    return (await orAborted(this.#connected.promise, signal)).peer;
  }

  async status(): Promise<StatusResult> {
    return (await this.#connection()).peer.request('status', {});
  }

  async listModels(): Promise<ModelSummary[]> {
    return (await (await this.#connection()).peer.request('model/list', {})).models;
  }

  load(model: string): Promise<ModelInfo> {
    this.#history = pardon(this.#history, loadKey(this.#options.settings(), model));
    this.#isModelWanted = true;
    this.#requested = model;
    this.#refusal = null;
    if (this.#session) {
      this.#renewModel();
      void this.#loadModel(this.#session);
    }
    this.#start();
    return this.#model.promise;
  }

  /** Who asks while it is restarted waits for the same end. */
  restart(): Promise<void> {
    this.#restarting ??= this.#restart().finally(() => {
      this.#restarting = null;
    });
    return this.#restarting;
  }

  async #restart(): Promise<void> {
    await this.stop();
    this.#history = NO_HISTORY;
    this.#refusal = null;
    this.#connected = quiet(new Deferred());
    this.#renewModel();
    this.#setState({ kind: 'idle' });
    await this.#connection();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    const reason = new MoebiusError('daemon-down', 'The inference daemon was stopped.');
    this.#giveUp(reason);
    await this.#process?.stop();
    await this.#life;
    this.#setState({ kind: 'stopped' });
  }

  #connection(): Promise<Session> {
    this.#start();
    return this.#connected.promise;
  }

  /** Does nothing when it runs already, and after `stop` or giving up, where waiting promises are rejected already. */
  #start(): void {
    if (this.#life || this.#state.kind === 'failed' || this.#state.kind === 'stopped') return;
    this.#stopping = new AbortController();
    const { signal } = this.#stopping;
    // In a later microtask: a listener that hears `starting` and asks again must find that it runs already.
    this.#life = Promise.resolve()
      .then(() => this.#live(signal))
      .finally(() => {
        this.#life = null;
      });
  }

  /** One process after the other until stopped or given up. Never rejects. */
  async #live(stopping: AbortSignal): Promise<void> {
    while (!stopping.aborted) {
      this.#setState({ kind: 'starting' });
      const { clock, log } = this.#options;
      const session = new Session(this.#options.spawn(), clock, this.#timings, line => log('debug', line));
      this.#process = session;
      const isWorthwhile = await this.#open(session);
      const end = await session.ended;
      this.#process = null;
      this.#status = null;
      if (!isWorthwhile) return;
      if (this.#session) {
        this.#session = null;
        this.#connected = quiet(new Deferred());
        if (this.#state.kind !== 'loading') this.#renewModel();
      }
      if (stopping.aborted || end.wasAsked) return;
      const delayMs = this.#judge(end);
      if (delayMs === null) return;
      await this.#pause(delayMs, stopping);
    }
  }

  /** Handshake and first load; false when there is no sense in trying again. */
  async #open(session: Session): Promise<boolean> {
    this.#listen(session);
    try {
      const about = await session.initialize(this.#options.clientName);
      this.#options.log('info', `Daemon ${about.daemonVersion} is up, process ${about.pid}.`);
    } catch (error) {
      const reason = toMoebiusError(error);
      if (reason.code === 'daemon-down') return true;
      await session.stop();
      this.#fail(reason);
      return false;
    }
    this.#history = afterReady(this.#history, this.#options.clock.now());
    this.#session = session;
    this.#connected.resolve(session);
    if (this.#isModelWanted) void this.#loadModel(session);
    else this.#setState({ kind: 'no-model', reason: 'No model has been asked for yet.' });
    return true;
  }

  #listen(session: Session): void {
    const { peer } = session;
    peer.onNotification('log', ({ level, message }) => this.#options.log(level, message));
    peer.onNotification('model/loadProgress', ({ model, percent }) => {
      if (this.#state.kind === 'loading') this.#setState({ kind: 'loading', model, percent });
    });
    peer.onNotification('status/changed', status => {
      this.#status = status;
      if (this.#state.kind === 'ready') this.#setState({ ...this.#state, status });
    });
    peer.onActivity(({ method, state }) => {
      const isWork = method === 'generate' || method === 'complete';
      if (isWork && state === 'answered') this.#history = afterAnswer(this.#history);
    });
  }

  /** Settles `#model`, unless the process dies meanwhile: then the next one tries again. */
  async #loadModel(session: Session): Promise<void> {
    const settings = this.#options.settings();
    const { model: setting, ...options } = settings;
    const model = this.#requested ?? setting;
    const waiting = this.#model;
    this.#loading.abort();
    this.#loading = new AbortController();
    const { signal } = this.#loading;
    const refuse = (reason: MoebiusError) => {
      this.#requested = null;
      const untilMs = this.#options.clock.now() + REFUSED_MS;
      // What is missing may be there any moment, and looking costs nothing. Another model's failure says nothing of the setting's.
      const isOver = reason.code === 'model-missing' || model !== setting;
      this.#refusal = isOver ? null : { settings: JSON.stringify(settings), reason, untilMs };
      this.#setState({ kind: 'no-model', reason: reason.message });
      waiting.reject(reason);
    };
    if (model === null) return refuse(new MoebiusError('model-missing', 'No model is installed or chosen.'));
    const key = loadKey(settings, model);
    if (isQuarantined(this.#history, key)) {
      const text = `The inference daemon died twice while ${model} was at work, so it is not loaded by itself any more. Choose another model or a smaller context.`;
      return refuse(new MoebiusError('model-invalid', text));
    }
    this.#loadKey = key;
    this.#setState({ kind: 'loading', model, percent: 0 });
    try {
      const info = await session.peer.request('model/load', { ...options, model }, { signal });
      this.#requested = null;
      this.#setState({ kind: 'ready', model: info.id, status: this.#status });
      waiting.resolve(info);
    } catch (error) {
      if (!session.peer.isClosed && !signal.aborted) refuse(toMoebiusError(error));
    }
  }

  /** Writes the crash into the history; the delay before the next start, or null when it gave up. */
  #judge(end: SessionEnd): number | null {
    const { clock, log, random = Math.random } = this.#options;
    const modelAtWork = end.wasModelAtWork ? this.#modelInUse() : null;
    const { history, verdict } = afterCrash(this.#history, { atMs: clock.now(), modelAtWork }, random());
    this.#history = history;
    log('error', end.reason.message);
    if (verdict.kind === 'give-up') {
      const text = `${end.reason.message} It crashed ${verdict.crashes} times within 3 minutes and is not started again by itself.`;
      this.#fail(new MoebiusError('daemon-down', text));
      return null;
    }
    const { attempt, delayMs } = verdict;
    this.#setState({ kind: 'backoff', attempt, retryInMs: delayMs, reason: end.reason.message });
    return delayMs;
  }

  #modelInUse(): string | null {
    return this.#state.kind === 'loading' || this.#state.kind === 'ready' ? this.#loadKey : null;
  }

  #fail(reason: MoebiusError): void {
    this.#giveUp(reason);
    this.#setState({ kind: 'failed', reason: reason.message });
  }

  /** Rejects everyone who waits, and everyone who comes until `restart`. */
  #giveUp(reason: MoebiusError): void {
    this.#session = null;
    this.#connected.reject(reason);
    this.#connected = quiet(new Deferred());
    this.#connected.reject(reason);
    this.#model.reject(reason);
    this.#renewModel();
    this.#model.reject(reason);
  }

  #renewModel(): void {
    // Who waited for the model before this one gets the next.
    const old = this.#model;
    const next = quiet(new Deferred<ModelInfo>());
    this.#model = next;
    next.promise.then(old.resolve, old.reject);
  }

  #pause(ms: number, stopping: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const timer = this.#options.clock.after(ms, resolve);
      stopping.addEventListener(
        'abort',
        () => {
          timer.dispose();
          resolve();
        },
        { once: true },
      );
    });
  }

  #setState(state: DaemonState): void {
    this.#state = state;
    this.#changed.fire(state);
  }
}

/** Names a model with its settings: deaths with a large context are no reason to refuse it a smaller one. */
function loadKey({ model: _, ...options }: DaemonSettings, model: string): string {
  return JSON.stringify([model, options]);
}

/** Nobody may be waiting when it is rejected; that is not an error. */
function quiet<T>(deferred: Deferred<T>): Deferred<T> {
  deferred.promise.catch(() => undefined);
  return deferred;
}
