/**
 * Saves what the model has read while nobody wants anything from it: a page at a time, so that a request waits for one at
 * most, and it stops when one comes. What can't be saved is logged and left: the answer never depends on it.
 */
import type { Clock } from '../../base/clock.ts';
import type { Disposable } from '../../base/disposable.ts';
import { toMoebiusError } from '../../base/errors.ts';
import { Mutex } from '../../base/mutex.ts';
import type { Engine } from '../../engine/engine.ts';
import type { PageFolder } from './page-folder.ts';

/** The pauses of someone who types are shorter, and so no keystroke's completion meets a save. */
const IDLE_MS = 1000;
/** Shorter ones are read again within seconds (60 tokens a second on two cores of a laptop). */
const WORTH_SAVING_ROWS = 256;
/** Before the model goes; the extension waits a second in all for its daemon to end. */
const LAST_SAVE_MS = 300;

/** A loaded model and the place of its pages. */
export interface Savable {
  engine: Pick<Engine, 'keptSequences' | 'exportRows'>;
  pages: Pick<PageFolder, 'unsaved' | 'write'> | null;
}

export interface SaverOptions {
  clock: Clock;
  isIdle(): boolean;
  loaded(): Savable | null;
  log(message: string): void;
}

export class KvSaver {
  readonly #options: SaverOptions;
  readonly #mutex = new Mutex();
  /** Leases whose rows have been saved, or could not be. */
  readonly #done = new Set<number>();
  #timer: Disposable | null = null;
  #isStopped = false;

  constructor(options: SaverOptions) {
    this.#options = options;
  }

  /** To be called when a request has come or gone. */
  readonly noteActivity = (): void => {
    this.#isStopped = true;
    this.#timer?.dispose();
    this.#timer = this.#options.isIdle()
      ? this.#options.clock.after(IDLE_MS, () => void this.#saveIdle())
      : null;
  };

  /** Saves what a moment suffices for; before the model is let go. */
  async saveLast(model: Savable): Promise<void> {
    this.#isStopped = true;
    this.#timer?.dispose();
    const { clock } = this.#options;
    const end = clock.now() + LAST_SAVE_MS;
    await this.#mutex.run(() => this.#save(model, () => clock.now() < end));
    this.#done.clear();
  }

  async #saveIdle(): Promise<void> {
    this.#isStopped = false;
    await this.#mutex.run(async () => {
      const model = this.#options.loaded();
      if (model) await this.#save(model, () => !this.#isStopped);
    });
  }

  /** Never rejects. */
  async #save({ engine, pages }: Savable, mayGoOn: () => boolean): Promise<void> {
    if (!pages) return;
    for (const sequence of engine.keptSequences()) {
      const { lease, tokens } = sequence;
      if (tokens.length < WORTH_SAVING_ROWS || this.#done.has(lease)) continue;
      try {
        for (const { parent, from, to } of await pages.unsaved(sequence)) {
          const page = mayGoOn() ? await engine.exportRows(lease, from, to) : null;
          if (!page) return;
          await pages.write(parent, page);
        }
      } catch (error) {
        this.#options.log(`A conversation was not saved: ${toMoebiusError(error).message}`);
      }
      this.#done.add(lease);
    }
  }
}
