/** `moebius model add`: fetch, verify, convert into the store. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { MoebiusError, toMoebiusError } from '../base/errors.ts';
import { CARVING_JSON } from '../convert/carving.ts';
import { assertConvertible, type ConvertOptions, convertModel } from '../convert/convert.ts';
import { DRAFTER_JSON } from '../convert/drafter.ts';
import { factsOfSource } from '../convert/facts.ts';
import { packModelGraphs } from '../engine/pack.ts';
import { type CatalogueEntry, catalogueEntry } from '../models/catalogue.ts';
import { adviseAddition, adviseHardware, adviseInstalled, type Machine } from '../models/hardware.ts';
import { surveyMachine } from '../models/machine.ts';
import { factsIn, type ModelFacts } from '../models/model-facts.ts';
import { packModel } from '../models/packed.ts';
import { openStore, type Store, type StoredModel } from '../models/store.ts';
import type { ModelVariant } from '../protocol/daemon.ts';
import { modelId, optionalVariantOption } from './engine-session.ts';
import { measuredMachine, productsHere } from './machine.ts';
import {
  assertFree,
  keepSource,
  obtainSource,
  readSourceName,
  removeSource,
  type SourceFile,
  type SourceName,
} from './model-source.ts';
import { megabytes, type Step, withProgress } from './progress.ts';
import { type Terminal, writeLine } from './terminal.ts';

interface AddOptions {
  variant?: ModelVariant;
  id?: string;
  jsonProgress?: boolean;
  keepSource?: boolean;
}

/** Last line of --json-progress, behind `"done": true`. */
interface Added {
  model: string;
  variant: ModelVariant;
  path: string;
  sizeBytes: number;
  wasThere: boolean;
}

export function modelAddCommand(terminal: Terminal): Command {
  return new Command('add')
    .description('get a model: download, verify, convert')
    .argument('<model>', 'id of the catalogue, a .gguf file or https address of one, a folder of safetensors')
    .addOption(
      optionalVariantOption().default(undefined, 'what is quickest here and fits into memory: int8 or int4'),
    )
    .option('--id <id>', 'id in the store, for a file or address; default: its name', modelId)
    .option('--json-progress', 'JSON lines on stdout instead of a bar')
    .option(
      '--keep-source',
      'keep the published weights, to make other variants of them or to carve them; gets them again where they went',
    )
    .addHelpText(
      'after',
      `
An interrupted download goes on where it stopped. Ctrl+C stops; a second one at once.

Examples:
  $ moebius model add qwen2.5-coder-1.5b
  $ moebius model add ./my-model-q4_k_m.gguf --variant int8`,
    )
    .action(async (text: string, options: AddOptions) => {
      const source = readSourceName(text);
      const store = await openStore();
      if (options.id !== undefined) assertFree(options.id, source);
      const isJson = options.jsonProgress ?? false;
      if (source.kind === 'catalogue') {
        const { facts, sizeBytes } = source.entry;
        options.variant ??= await chooseVariant(facts, sizeBytes, store, terminal, options.keepSource);
        if (!isJson) await advise(source.entry, options, store, terminal);
      }
      const added = await withProgress(terminal, isJson, report =>
        addModel(source, store, options, terminal, report),
      );
      if (isJson) return;
      const verb = added.wasThere ? 'is already there' : 'is ready';
      // A file of the user's own stays where it is, and the store has none of it.
      const isKept = options.keepSource && source.kind !== 'file';
      await writeLine(
        terminal.stdout,
        `${added.model} (${added.variant}, ${megabytes(added.sizeBytes)} MB) ${verb}.${isKept ? ' The published weights are kept.' : ''}`,
      );
    });
}

/**
 * `pack` is for tests.
 * @throws MoebiusError `bad-request` where the id belongs to a model of other weights, and what converting throws
 */
export async function addModel(
  source: SourceName,
  store: Store,
  options: AddOptions,
  terminal: Terminal,
  report: (step: Step) => void,
  pack = packWhereTight,
): Promise<Added> {
  // The id of a file is only its name: whether it is the model that is there, its bytes say.
  if (source.kind === 'catalogue') {
    const { entry } = source;
    const variant = options.variant!;
    const found = await findInstalled(store, options.id ?? entry.id, variant);
    // Of a repository the hub says the hashes.
    const isOther = entry.kind === 'file' && found && found.manifest.source.sha256 !== entry.sha256;
    if (isOther) throw idTaken(found.id, variant, false);
    if (found && !options.keepSource && suits(found, await productsHere(variant))) {
      const added = { ...addedOf(found), wasThere: true };
      await pack(store, added, terminal, await surveyMachine(store));
      return added;
    }
  }
  // Hashing takes minutes where weights are large.
  if (source.kind === 'file') await assertConvertible(source.path);
  const obtained = await obtainSource(source, store, report, terminal.signal);
  // Before the work, which may fail: another version may be able to.
  const file = options.keepSource ? await keepSource(obtained) : obtained;
  const variant = options.variant ?? (await variantOfFile(file, store, terminal));
  const model = options.id ?? file.id;
  const products = await productsHere(variant);
  const there = await findInstalled(store, model, variant);
  const isOther = there !== undefined && there.manifest.source.sha256 !== file.sha256;
  // What belongs to other weights is never made again, whatever its products: that would replace it.
  const known = there && (isOther || suits(there, products)) ? there : null;
  const added = {
    ...(known
      ? addedOf(known)
      : await convertInto(store, { id: model, variant, products }, file, terminal, report)),
    wasThere: known !== null,
  };
  if (file.isFresh) await removeSource(store, file);
  // Behind that, because it takes as much room.
  if (!isOther) await pack(store, added, terminal, await surveyMachine(store));
  if (isOther)
    throw idTaken(model, variant, source.kind === 'file' && !file.isOfCatalogue && model === file.id);
  return added;
}

/**
 * Memory matters more than the last percents of speed where there is little of it. A model that was there is left as it is, unless
 * it runs packed alone: packing may have been interrupted.
 */
export async function packWhereTight(
  store: Store,
  { model, variant, wasThere }: Pick<Added, 'model' | 'variant' | 'wasThere'>,
  terminal: Pick<Terminal, 'stderr' | 'signal'>,
  machine: Machine,
): Promise<void> {
  if (variant === 'fp32') return;
  const stored = await store.find(model, variant);
  const { verdict } = await adviseInstalled(stored, machine);
  if (wasThere ? verdict !== 'unpacked' : verdict === 'fits') return;
  try {
    await packModel(store, stored, packModelGraphs, terminal.signal);
  } catch (error) {
    const loss =
      verdict === 'unpacked' ? 'without which it does not run here' : 'which would take less memory';
    await writeLine(
      terminal.stderr,
      `Its weights were not packed, ${loss}: ${(error as Error).message} Later, run "moebius model pack ${model} --variant ${variant}".`,
    );
    if (terminal.signal.aborted) throw error;
  }
}

const findInstalled = async (
  store: Store,
  id: string,
  variant: ModelVariant,
): Promise<StoredModel | undefined> =>
  (await store.list()).find(one => one.id === id && one.variant === variant);

/** Not one of the other products, which is slower than it could be here, or does not run: it is made again. */
function suits({ manifest }: StoredModel, products: 'codes' | 'blocks'): boolean {
  const has = manifest.products;
  return has === undefined || (has === 'blocks') === (products === 'blocks');
}

const addedOf = ({ id, variant, path, sizeBytes }: StoredModel) => ({ model: id, variant, path, sizeBytes });

/** `isOfName`: the id is the file's name, and can be changed with it: in the editor, where there is no option. */
const idTaken = (id: string, variant: ModelVariant, isOfName: boolean): MoebiusError =>
  new MoebiusError(
    'bad-request',
    `${id} (${variant}) is there already and was made of other weights, so nothing was added. ` +
      `Give this model another id with --id${isOfName ? ' or by renaming it' : ''}, or remove the other one first.`,
  );

async function convertInto(
  store: Store,
  { id, variant, products }: Pick<ConvertOptions, 'id' | 'variant' | 'products'>,
  file: SourceFile,
  terminal: Terminal,
  report: (step: Step) => void,
) {
  const lock = await store.lock(`convert-${id}-${variant}`);
  try {
    const calibrated = join(terminal.packageFolder, 'models', file.id);
    const folderWith = (name: string) =>
      file.isOfCatalogue && existsSync(join(calibrated, name)) ? calibrated : null;
    const manifest = await convertModel({
      source: file.path,
      sourceSha256: file.sha256,
      id,
      name: file.name,
      license: file.license,
      variant,
      ...(products && { products }),
      carvingFolder: folderWith(CARVING_JSON),
      drafterFolder: folderWith(DRAFTER_JSON),
      outFolder: store.variantFolder(id, variant),
      // So that the work does not end in its middle.
      requireRoom: bytes => store.requireFree(bytes, `the converted ${file.name}`),
      onProgress: report,
      signal: terminal.signal,
    });
    const sizeBytes = Object.values(manifest.files).reduce((sum, one) => sum + one.sizeBytes, 0);
    return { model: id, variant, path: store.variantFolder(id, variant), sizeBytes };
  } catch (error) {
    // Another attempt would end the same way, and nothing else would ever remove it.
    if (file.isFresh && ['unsupported', 'format-invalid'].includes(toMoebiusError(error).code))
      await removeSource(store, file);
    throw error;
  } finally {
    await lock.release();
  }
}

/** Measures the machine if that was not done before: seconds before a download of minutes. */
async function chooseVariant(
  facts: ModelFacts,
  downloadBytes: number,
  store: Store,
  terminal: Terminal,
  isKept = false,
): Promise<ModelVariant> {
  await measuredMachine(terminal, store);
  return adviseAddition(facts, downloadBytes, await surveyMachine(store), isKept).variant;
}

/** The same of weights that are here and that the catalogue may not know. */
async function variantOfFile(file: SourceFile, store: Store, terminal: Terminal): Promise<ModelVariant> {
  // What cannot be read, converting refuses, and says why.
  const facts = file.isOfCatalogue
    ? catalogueEntry(file.id).facts
    : await factsOfSource(file.path).catch(() => null);
  return facts ? chooseVariant(facts, 0, store, terminal) : 'int4';
}

async function advise(
  entry: CatalogueEntry,
  { variant, keepSource }: AddOptions,
  store: Store,
  terminal: Terminal,
): Promise<void> {
  await measuredMachine(terminal, store);
  const facts = factsIn(entry.facts, variant!);
  const { sentence } = adviseHardware(facts, entry.sizeBytes, await surveyMachine(store), keepSource);
  await writeLine(terminal.stderr, `${entry.name}: ${sentence}`);
}
