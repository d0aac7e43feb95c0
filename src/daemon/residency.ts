/**
 * Which model is in memory. One at a time: the old one is let go before the next is read. Loads run one after the
 * other; a load of what is being loaded joins it; it is given up when everyone who asked for it has.
 */
import { orAborted } from '../base/abort.ts';
import type { Clock } from '../base/clock.ts';
import { MoebiusError, toMoebiusError } from '../base/errors.ts';
import { Mutex } from '../base/mutex.ts';
import type { Engine, LoadOptions } from '../engine/engine.ts';
import type { ModelInfo, ModelLoadParams, ModelSummary } from '../protocol/daemon.ts';
import { addExperts, readExperts } from './kv/expert-file.ts';
import type { PageFolder } from './kv/page-folder.ts';
import type { Savable } from './kv/saver.ts';

const DEFAULT_CONTEXT_TOKENS = 8192;

export interface ModelStore {
  /** Every converted model that is whole; of one id first the variant that is used when nobody asks for another. */
  list(): Promise<ModelSummary[]>;
}

export interface ResidencyOptions {
  store: ModelStore;
  loadEngine(options: LoadOptions): Promise<Engine>;
  /** Where keys and values of a model are saved; null: nowhere. */
  openPages(model: ModelSummary): Promise<PageFolder | null>;
  /** Threads where the request does not say. */
  threads(): Promise<number>;
  clock: Clock;
  /** Ends every request that uses the engine; awaited before the engine is disposed. */
  drain(reason: MoebiusError): Promise<void>;
  /** Awaited after that: the model has no requests any more and is still there. */
  beforeDispose(model: Savable): Promise<void>;
  onProgress(model: string, percent: number): void;
  /** Something that `status` shows has changed. */
  onChange(): void;
  log(message: string): void;
}

/** A load request with everything decided. */
interface Wanted {
  key: string;
  found: ModelSummary;
  contextTokens: number;
  threads: number;
}

interface Resident {
  key: string;
  engine: Engine;
  pages: PageFolder | null;
}

interface Load {
  key: string;
  model: string;
  percent: number;
  waiters: number;
  abort: AbortController;
  result: Promise<ModelInfo>;
}

export class Residency {
  readonly #options: ResidencyOptions;
  readonly #mutex = new Mutex();
  #loaded: Resident | null = null;
  /** The newest load that has not ended. */
  #load: Load | null = null;

  constructor(options: ResidencyOptions) {
    this.#options = options;
  }

  get loaded(): Engine | null {
    return this.#loaded?.engine ?? null;
  }

  get savable(): Savable | null {
    return this.#loaded;
  }

  get loading(): { model: string; percent: number } | null {
    return this.#load;
  }

  /** Resolves when the model is ready; at once if it is loaded with these options. */
  async load(params: ModelLoadParams, signal: AbortSignal): Promise<ModelInfo> {
    const options = await this.#resolve(params);
    signal.throwIfAborted();
    const joined = this.#load?.key === options.key && !this.#load.abort.signal.aborted ? this.#load : null;
    const load = joined ?? this.#begin(options);
    load.waiters++;
    const leave = () => {
      load.waiters--;
      if (load.waiters === 0) load.abort.abort();
    };
    signal.addEventListener('abort', leave, { once: true });
    return orAborted(load.result, signal).finally(() => signal.removeEventListener('abort', leave));
  }

  unload(): Promise<void> {
    this.#load?.abort.abort();
    return this.#mutex.run(() => this.#release('The model was unloaded.'));
  }

  /** Waits for a load that is going on. Throws `model-missing` when there is nothing to wait for. */
  async whenLoaded(signal: AbortSignal): Promise<void> {
    for (let load = this.#load; load; load = this.#load) {
      await orAborted(load.result, signal);
    }
    this.engine();
  }

  /** The engine, or `model-missing`. Not to be kept across an await outside the scheduler. */
  engine(): Engine {
    if (this.#loaded) return this.#loaded.engine;
    throw new MoebiusError('model-missing', 'No model is loaded. Load one with model/load.');
  }

  async #resolve(params: ModelLoadParams): Promise<Wanted> {
    const { model, variant, contextTokens = DEFAULT_CONTEXT_TOKENS } = params;
    const threads = params.threads ?? (await this.#options.threads());
    const models = await this.#options.store.list();
    const found = models.find(
      summary => summary.id === model && (variant === undefined || summary.variant === variant),
    );
    if (!found) {
      const others = models.map(summary => `${summary.id} (${summary.variant})`).join(', ') || 'none';
      const name = variant ? `${model} (${variant})` : model;
      throw new MoebiusError('model-missing', `Model ${name} is not installed. Installed: ${others}.`);
    }
    return { key: JSON.stringify([found.path, contextTokens, threads]), found, contextTokens, threads };
  }

  #begin(options: Wanted): Load {
    const load: Load = {
      key: options.key,
      model: options.found.id,
      percent: 0,
      waiters: 0,
      abort: new AbortController(),
      result: this.#mutex
        .run(() => this.#swap(options, load))
        .finally(() => {
          if (this.#load === load) this.#load = null;
          this.#options.onChange();
        }),
    };
    load.result.catch(() => undefined);
    this.#load = load;
    return load;
  }

  async #swap({ key, found, contextTokens, threads }: Wanted, load: Load): Promise<ModelInfo> {
    load.abort.signal.throwIfAborted();
    if (this.#loaded?.key === key) return this.#loaded.engine.info();
    await this.#release('Another model is being loaded.');
    const { clock, log } = this.#options;
    const started = clock.now();
    const onProgress = (percent: number) => {
      if (Math.floor(percent) <= load.percent) return;
      load.percent = Math.floor(percent);
      this.#options.onProgress(found.id, load.percent);
      this.#options.onChange();
    };
    const signal = load.abort.signal;
    const pages = await this.#openPages(found);
    const engine = await this.#options.loadEngine({
      folder: found.path,
      contextTokens,
      threads,
      savedKv: pages,
      ...(pages && { hotExperts: await readExperts(pages.folder) }),
      onProgress,
      signal,
    });
    if (signal.aborted) {
      await engine.dispose();
      signal.throwIfAborted();
    }
    this.#loaded = { key, engine, pages };
    log(`Loaded ${found.id} (${found.variant}) in ${Math.round(clock.now() - started)} ms.`);
    return engine.info();
  }

  async #release(reason: string): Promise<void> {
    await this.#options.drain(new MoebiusError('cancelled', reason));
    const model = this.#loaded;
    this.#loaded = null;
    if (model) {
      await this.#options.beforeDispose(model);
      await this.#saveExperts(model);
      await model.engine.dispose();
    }
    this.#options.onChange();
  }

  /** They only make the next start quicker. */
  async #saveExperts({ engine, pages }: Resident): Promise<void> {
    if (!pages) return;
    try {
      await addExperts(pages.folder, await engine.expertHistogram());
    } catch (error) {
      this.#options.log(`Which experts were used was not saved: ${toMoebiusError(error).message}`);
    }
  }

  /** A model without saved pages is as good as any other, only slower to begin. */
  #openPages(found: ModelSummary): Promise<PageFolder | null> {
    return this.#options.openPages(found).catch(error => {
      this.#options.log(`What ${found.id} has read is not saved: ${toMoebiusError(error).message}`);
      return null;
    });
  }
}
