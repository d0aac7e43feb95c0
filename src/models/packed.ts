/**
 * A converted model's weights once more, in the layout that this processor's kernels read: `packed/` in its folder. Mapped
 * from there they are no memory of the process's own, and opening the model does not have to make them. They hold for one
 * processor and version of the runtime; where anything is not as it should be, the plain graphs are used.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { dependencies } from '../../package.json';
import { MoebiusError } from '../base/errors.ts';
import type { Manifest } from './manifest.ts';
import { conversionKey, MANIFEST_NAME, readManifest } from './manifest-file.ts';
import type { Store, StoredModel } from './store.ts';

const FOLDER = 'packed';
const STAMP = 'packed.json';
/** Room to make them, of the graphs' data: the plain weights again, the packed ones, and a part of them that is being packed. */
export const PACKING_ROOM = 2.6;

const stampSchema = z.strictObject({
  format: z.literal(1),
  cpu: z.string(),
  runtime: z.string(),
  /** The conversion's key; the manifest's own hash in stamps from before there was one. */
  manifest: z.string(),
  files: z.record(z.string(), z.int().nonnegative()),
});

/** Writes the packed graphs of a model folder into `outFolder` and has compared what they compute. */
export type PackGraphs = (options: {
  folder: string;
  outFolder: string;
  signal?: AbortSignal;
}) => Promise<void>;

export const PACKED_GRAPHS = ['body', 'head'] as const;

/** Folder of the packed graphs, null if there are none that may be used here. */
export async function packedFolder(modelFolder: string): Promise<string | null> {
  const folder = join(modelFolder, FOLDER);
  try {
    const stamp = stampSchema.parse(JSON.parse(await readFile(join(folder, STAMP), 'utf8')));
    const { cpu, runtime, manifest } = await stampOf(modelFolder);
    if (stamp.cpu !== cpu || stamp.runtime !== runtime) return null;
    if (stamp.manifest !== manifest && stamp.manifest !== (await manifestHash(modelFolder))) return null;
    for (const name of fileNames()) {
      if ((await stat(join(folder, name))).size !== stamp.files[name]) return null;
    }
    return folder;
  } catch {
    return null;
  }
}

/** Bytes on disk, 0 if there are none. */
export async function packedBytes(modelFolder: string): Promise<number> {
  const sizes = fileNames().map(name =>
    stat(join(modelFolder, FOLDER, name)).then(
      ({ size }) => size,
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/**
 * Makes them, in place of those there are. Throws `disk-full` before the work, `unsupported` for float32, which no kernel
 * packs, else what `pack` throws; nothing is left then.
 */
export async function packModel(
  store: Store,
  { id, variant, path, manifest }: Pick<StoredModel, 'id' | 'variant' | 'path' | 'manifest'>,
  pack: PackGraphs,
  signal?: AbortSignal,
): Promise<void> {
  if (variant === 'fp32') throw new MoebiusError('unsupported', `${id} (${variant}) is not kept packed.`);
  const lock = await store.lock(`pack-${id}-${variant}`);
  const building = join(path, `${FOLDER}.partial`);
  try {
    await store.requireFree(PACKING_ROOM * graphBytes(manifest), `the packed weights of ${manifest.name}`);
    await rm(building, { recursive: true, force: true });
    await mkdir(building);
    await pack({ folder: path, outFolder: building, ...(signal && { signal }) });
    signal?.throwIfAborted();
    const files: Record<string, number> = {};
    for (const name of fileNames()) files[name] = (await stat(join(building, name))).size;
    const stamp = { format: 1, ...(await stampOf(path)), files };
    await writeFile(join(building, STAMP), JSON.stringify(stamp, null, 2), { flush: true });
    await rm(join(path, FOLDER), { recursive: true, force: true });
    await rename(building, join(path, FOLDER));
  } finally {
    await rm(building, { recursive: true, force: true });
    await lock.release();
  }
}

export async function removePacked(modelFolder: string): Promise<void> {
  await rm(join(modelFolder, FOLDER), { recursive: true, force: true });
}

/** The body's file is all weights; the head's also holds tables that are read row by row and not packed. */
function graphBytes({ files, graphs, dims }: Manifest): number {
  const head = files[graphs.head.data]?.sizeBytes ?? 0;
  return (files[graphs.body.data]?.sizeBytes ?? 0) + Math.min(head, dims.vocab * dims.hidden);
}

async function stampOf(modelFolder: string): Promise<{ cpu: string; runtime: string; manifest: string }> {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    runtime: dependencies['onnxruntime-node'],
    manifest: conversionKey(await readManifest(modelFolder)),
  };
}

async function manifestHash(modelFolder: string): Promise<string> {
  const manifest = await readFile(join(modelFolder, MANIFEST_NAME));
  return createHash('sha256').update(manifest).digest('hex');
}

const fileNames = (): string[] => PACKED_GRAPHS.flatMap(name => [`${name}.onnx`, `${name}.data`]);
