/**
 * Where models live on this machine; one store serves the extension and the CLI.
 *
 *   <home>/downloads/<sha256>.gguf        a published file, verified; `.partial` while it is fetched
 *   <home>/downloads/<sha256>.gguf.json   what is noted of it (source-note.ts)
 *   <home>/downloads/<id>/                the files of a hub's repository, likewise
 *   <home>/downloads/wheels-<sha256>/     packages that a file comes in, while it is fetched (package-mirror.ts)
 *   <home>/models/<id>/<variant>/         a converted model; it is one only if its manifest.json is there. `.partial` while it is made
 *   <home>/removed/<random>/              a converted model on its way out
 *   <home>/models/<id>/<variant>/packed/  its weights in this processor's own layout (packed.ts)
 *   <home>/kv/<id>/<variant>/             keys and values of what a model has read (kv-files.ts)
 *   <home>/locks/<name>.lock              held by a process that makes one of them
 *   <home>/machine.json                   what the self-test measured (machine.ts)
 */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, statfs } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { MoebiusError } from '../base/errors.ts';
import type { ModelSummary, ModelVariant } from '../protocol/daemon.ts';
import { type FileLock, takeLock } from './file-lock.ts';
import { quickestVariant, readMachineProfile } from './machine.ts';
import type { Manifest } from './manifest.ts';
import { MANIFEST_NAME, readManifest } from './manifest-file.ts';
import { removePartial } from './partial-file.ts';
import { hasCheapRows } from './products.ts';
import { fileNotePath } from './source-note.ts';
import { taughtDialect } from './tool-dialect.ts';

export interface StoredModel extends ModelSummary {
  manifest: Manifest;
}

export const VARIANTS: readonly ModelVariant[] = ['int4', 'int8', 'fp32'];

/** Left free beside what is about to be written. */
const SPARE_BYTES = 256 * 1024 * 1024;
const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
/** Longer than an id, which a lock's name may hold. */
const LOCK_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,149}$/;

/** `home`, else MOEBIUS_HOME, else ~/.moebius; made if it is not there. */
export async function openStore(home?: string): Promise<Store> {
  const folder = resolve(home || process.env.MOEBIUS_HOME || join(homedir(), '.moebius'));
  try {
    for (const name of ['downloads', 'models', 'locks']) await mkdir(join(folder, name), { recursive: true });
  } catch (error) {
    throw new MoebiusError(
      'not-found',
      `The model store ${folder} can't be made: ${(error as Error).message}.`,
      {
        cause: error,
      },
    );
  }
  return new Store(folder);
}

export class Store {
  readonly home: string;

  constructor(home: string) {
    this.home = home;
  }

  get downloadsFolder(): string {
    return join(this.home, 'downloads');
  }

  /** Where the verified published file with this hash lies, or would. */
  downloadPath(sha256: string): string {
    return join(this.downloadsFolder, `${sha256}.gguf`);
  }

  /** Where the files of a hub's repository lie, or would. */
  repositoryFolder(id: string): string {
    return join(this.downloadsFolder, checkedId(id));
  }

  partialPath(sha256: string): string {
    return `${this.downloadPath(sha256)}.partial`;
  }

  wheelsFolder(sha256: string): string {
    return join(this.downloadsFolder, `wheels-${sha256}`);
  }

  /** The folder that a converted model has, or would have. */
  variantFolder(id: string, variant: ModelVariant): string {
    return join(this.#modelFolder(id), variant);
  }

  /** Saved keys and values of all models; made when there are some. */
  get kvHome(): string {
    return join(this.home, 'kv');
  }

  kvFolder(id: string, variant: ModelVariant): string {
    return join(this.kvHome, checkedId(id), variant);
  }

  /** Removes the saved keys and values: of all models, of one, or of one variant. Nothing to remove is no error. */
  async removeKv(id?: string, variant?: ModelVariant): Promise<void> {
    const folder = id === undefined ? this.kvHome : join(this.kvHome, checkedId(id), variant ?? '');
    await rm(folder, { recursive: true, force: true });
  }

  /** Every converted model that is whole, by id, the variant first that is used when nobody asks for another. Damaged ones are left out. */
  async list(): Promise<StoredModel[]> {
    const ids = (await readdir(join(this.home, 'models')).catch(() => [])).filter(id => ID.test(id)).sort();
    const found: StoredModel[] = [];
    const quickest = await this.#quickest();
    for (const id of ids) {
      for (const variant of await this.#variants(id, quickest)) {
        const model = await this.#read(id, variant).catch(() => null);
        if (model) found.push(model);
      }
    }
    return found;
  }

  /** The model, in the first variant there is unless one is named. Throws `model-missing`, `model-invalid`. */
  async find(id: string, variant?: ModelVariant): Promise<StoredModel> {
    for (const candidate of variant ? [variant] : await this.#variants(id, await this.#quickest())) {
      const isThere = await stat(join(this.variantFolder(id, candidate), MANIFEST_NAME)).catch(() => null);
      if (isThere) return this.#read(id, candidate);
    }
    const [name, how] = variant ? [`${id} (${variant})`, ` --variant ${variant}`] : [id, ''];
    throw new MoebiusError(
      'model-missing',
      `The model ${name} is not installed. Run "moebius model add ${id}${how}" to get it.`,
    );
  }

  /**
   * Removes a converted model, one variant or all, whole or not, with what was saved of its reading. Its folder is moved aside first:
   * what is left of an interrupted removal is no model any more, and goes with the next removal; and where a process has its files
   * open (on Windows), nothing is removed. Throws `model-missing` if there is nothing, `busy` if it is in use. `move` is for tests.
   */
  async remove(id: string, variant?: ModelVariant, move: typeof rename = rename): Promise<void> {
    const folders = variant
      ? [`${this.variantFolder(id, variant)}.partial`, this.variantFolder(id, variant)]
      : [this.#modelFolder(id)];
    await mkdir(this.#removedFolder, { recursive: true });
    await this.#finishRemovals().catch(() => undefined);
    const found = folders.filter(existsSync);
    if (found.length === 0) throw new MoebiusError('model-missing', `The model ${id} is not installed.`);
    for (const folder of found) {
      await move(folder, join(this.#removedFolder, randomUUID())).catch(cause => {
        throw ['EPERM', 'EBUSY', 'EACCES'].includes(cause.code) ? inUse(id, cause) : cause;
      });
    }
    await this.#finishRemovals();
    await this.removeKv(id, variant);
  }

  /** As far as the machine was measured. */
  async #quickest(): Promise<ModelVariant> {
    return quickestVariant(await readMachineProfile(this.home));
  }

  /** Those that a model may have, 8 bits first where they are quickest and this model's are those that were measured. */
  async #variants(id: string, quickest: ModelVariant): Promise<readonly ModelVariant[]> {
    if (quickest !== 'int8') return VARIANTS;
    const isMeasured = await readManifest(this.variantFolder(id, quickest)).then(hasCheapRows, () => false);
    return isMeasured ? [quickest, ...VARIANTS.filter(variant => variant !== quickest)] : VARIANTS;
  }

  async #finishRemovals(): Promise<void> {
    for (const name of await readdir(this.#removedFolder))
      await rm(join(this.#removedFolder, name), { recursive: true, force: true, maxRetries: 3 });
  }

  /** Removes a published file that was fetched, and what there is of one that was not finished. False if there is nothing. */
  async removeDownload(sha256: string): Promise<boolean> {
    const [whole, partial] = [this.downloadPath(sha256), this.partialPath(sha256)];
    const wheels = this.wheelsFolder(sha256);
    const wasThere = [whole, partial, wheels].some(existsSync);
    await rm(whole, { force: true });
    await rm(fileNotePath(whole), { force: true });
    await removePartial(partial);
    await rm(wheels, { recursive: true, force: true });
    return wasThere;
  }

  /** Removes what was fetched of a hub's repository. False if there is nothing. */
  async removeRepository(id: string): Promise<boolean> {
    const folder = this.repositoryFolder(id);
    const wasThere = existsSync(folder);
    await rm(folder, { recursive: true, force: true });
    return wasThere;
  }

  /** Bytes that this user may still write on the store's disk. */
  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.home);
    return bavail * bsize;
  }

  /** Throws `disk-full` unless `neededBytes` and some spare fit. `purpose` completes "room for ...". */
  async requireFree(neededBytes: number, purpose: string): Promise<void> {
    const freeBytes = await this.freeBytes();
    if (freeBytes >= neededBytes + SPARE_BYTES) return;
    throw new MoebiusError(
      'disk-full',
      `There is no room for ${purpose}: it needs ${megabytes(neededBytes + SPARE_BYTES)}, and the disk of ${this.home} has ${megabytes(freeBytes)} free. Free some, or choose another folder with MOEBIUS_HOME.`,
    );
  }

  /** Keeps other processes from making the same thing. Throws `busy` if one is at `what`; `release` when done. */
  lock(name: string, what = name): Promise<FileLock> {
    if (!LOCK_NAME.test(name))
      throw new MoebiusError('bad-request', `${JSON.stringify(name)} can't name a lock.`);
    return takeLock(join(this.home, 'locks', `${name}.lock`), what);
  }

  get #removedFolder(): string {
    return join(this.home, 'removed');
  }

  #modelFolder(id: string): string {
    return join(this.home, 'models', checkedId(id));
  }

  async #read(id: string, variant: ModelVariant): Promise<StoredModel> {
    const path = this.variantFolder(id, variant);
    const manifest = await readManifest(path);
    const sizeBytes = Object.values(manifest.files).reduce((sum, file) => sum + file.sizeBytes, 0);
    const { name, architecture } = manifest;
    const capabilities = { ...manifest.capabilities, toolCalls: await callsTools(manifest, path) };
    return { id, variant, name, architecture, sizeBytes, path, capabilities, manifest };
  }
}

/** Said by the template, not the manifest: a version after the one that converted the model may know its form of calls. */
async function callsTools({ capabilities }: Manifest, folder: string): Promise<boolean> {
  if (!capabilities.chat) return false;
  const template = await readFile(join(folder, 'chat_template.jinja'), 'utf8').catch(() => '');
  return taughtDialect(template) !== null;
}

export const isModelId = (text: string): boolean => ID.test(text);
export const ID_RULE = 'use letters, digits, dots and dashes, up to 100';

function checkedId(id: string): string {
  if (isModelId(id)) return id;
  throw new MoebiusError('bad-request', `${JSON.stringify(id)} can't name a model: ${ID_RULE}.`);
}

function inUse(id: string, cause: unknown): MoebiusError {
  const problem = `${id} can't be removed: another window or process is using it (${(cause as Error).message}).`;
  const advice = `Close that window, or choose another model in it, then remove ${id} again.`;
  return new MoebiusError('busy', `${problem} Until then it stays installed. ${advice}`, { cause });
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6).toLocaleString('en')} MB`;
}
