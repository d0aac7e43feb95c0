/** manifest.json on disk: read with every field checked, written whole or not at all, and its files verified by hash. */
import { createHash } from 'node:crypto';
import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { MoebiusError, toMoebiusError } from '../base/errors.ts';
import { EXPERT_LEVELS } from '../protocol/daemon.ts';
import { hashFile } from './file-hash.ts';
import { type GraphFile, MANIFEST_FORMAT, type Manifest } from './manifest.ts';
import { productsOf } from './products.ts';

export const MANIFEST_NAME = 'manifest.json';
const MANIFEST_BYTES = 4 * 1024 * 1024;

const count = z.int().positive();
const size = z.int().nonnegative();
const token = z.int().nonnegative();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
/** A plain name: nothing in a manifest leads out of its folder. */
const fileName = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]*$/);
const graph = z.strictObject({ onnx: fileName, data: fileName });
const shortcut = graph.extend({ layers: count, rest: graph });
const drafter = graph.extend({ readsPrompt: z.boolean() });
const level = z.enum(EXPERT_LEVELS);

const levelPlan = z.strictObject({
  readK: z.union([size, z.array(count).min(1)]).nullable(),
  writeK: size.nullable(),
  exactTail: size,
  exactHead: size,
  shortcut: z.literal(true).exactOptional(),
  tailNll: z.number().exactOptional(),
});

const embeddingTable = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('f32'), file: fileName, offset: size }),
  z.strictObject({
    kind: z.literal('blocks'),
    bits: z.union([z.literal(4), z.literal(8)]),
    blockSize: count,
    file: fileName,
    offset: size,
    scalesOffset: size,
  }),
]);

const manifestSchema: z.ZodType<Manifest> = z.strictObject({
  format: z.literal(MANIFEST_FORMAT),
  id: z.string().min(1),
  name: z.string().min(1),
  variant: z.enum(['int4', 'int8', 'fp32']),
  products: z.enum(['codes', 'blocks', 'mixed']).exactOptional(),
  architecture: z.string().min(1),
  parameters: count,
  dims: z.strictObject({
    layers: count,
    hidden: count,
    heads: count,
    kvHeads: count,
    headDim: count,
    vocab: count,
    feedForward: count,
    trainedContext: count,
    ropeTheta: z.number().positive(),
    rmsEpsilon: z.number().positive(),
    slidingWindow: count.exactOptional(),
  }),
  graphs: z.strictObject({
    body: graph,
    routed: graph.nullable(),
    shortcut: shortcut.nullable(),
    head: graph,
    drafter: drafter.nullable(),
  }),
  embedding: embeddingTable,
  outputEmbedding: embeddingTable.nullable(),
  experts: z
    .strictObject({
      kind: z.enum(['carved', 'trained']),
      sharedNeurons: size,
      routed: count,
      routedNeurons: count,
      carvingSha256: sha256.exactOptional(),
      perToken: count.exactOptional(),
      levels: z.strictObject({
        exact: levelPlan.exactOptional(),
        balanced: levelPlan.exactOptional(),
        fast: levelPlan.exactOptional(),
        frugal: levelPlan.exactOptional(),
      }),
    })
    .nullable(),
  tokens: z.strictObject({
    bos: token.nullable(),
    templateBos: token.nullable().exactOptional(),
    eos: z.array(token).min(1),
    pad: token.nullable(),
    banned: z.array(token),
    fim: z
      .strictObject({
        prefix: token,
        suffix: token,
        middle: token,
        fileSeparator: token.nullable(),
        repoName: token.nullable(),
        order: z.enum(['psm', 'spm']),
      })
      .nullable(),
  }),
  capabilities: z.strictObject({
    chat: z.boolean(),
    fillInTheMiddle: z.boolean(),
    toolCalls: z.boolean(),
    levels: z.array(level),
  }),
  license: z.string(),
  source: z.strictObject({ file: z.string(), sha256, sizeBytes: size }),
  files: z.record(fileName, z.strictObject({ sha256, sizeBytes: size })),
  createdBy: z.string(),
});

/** Throws `model-missing` if `folder` is no model, `model-invalid` if its manifest is damaged or of another version. */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, MANIFEST_NAME);
  let text: string;
  try {
    if ((await stat(path)).size > MANIFEST_BYTES) throw unusable(folder, `${MANIFEST_NAME} is too large`);
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw toMoebiusError(error);
    throw new MoebiusError('model-missing', `There is no converted model in ${folder}.`, { cause: error });
  }
  const manifest = checkManifest(parseJson(text, folder), folder);
  if (manifest.variant !== 'int8' || manifest.products) return manifest;
  // Converted before manifests had it. That a file is missing is for those to say who open it.
  const products = await productsOf(join(folder, manifest.graphs.body.onnx)).catch(() => 'blocks' as const);
  return { ...manifest, products };
}

/** Writes by a temporary file and rename, so that a manifest is there in full or not at all. */
export async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  checkManifest(manifest, folder);
  const temporary = join(folder, `${MANIFEST_NAME}.partial`);
  const file = await open(temporary, 'w');
  try {
    await file.writeFile(`${JSON.stringify(manifest, null, 2)}\n`);
    await file.sync();
    await file.close();
    await rename(temporary, join(folder, MANIFEST_NAME));
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(temporary, { force: true });
    throw error;
  }
}

export interface VerifyOptions {
  onProgress?(doneBytes: number, totalBytes: number): void;
  signal?: AbortSignal;
}

/** Hashes every file that the manifest lists. Throws `model-invalid` or `hash-mismatch` naming the first wrong file. */
export async function verifyModel(folder: string, options: VerifyOptions = {}): Promise<Manifest> {
  const manifest = await readManifest(folder);
  const files = Object.entries(manifest.files);
  const totalBytes = files.reduce((sum, [, file]) => sum + file.sizeBytes, 0);
  let doneBytes = 0;
  for (const [name, expected] of files) {
    const path = join(folder, name);
    const found = await stat(path).catch(() => null);
    if (!found) throw unusable(folder, `${name} is missing`);
    if (found.size !== expected.sizeBytes) {
      throw damaged(manifest, `${path} has ${found.size} bytes instead of ${expected.sizeBytes}`);
    }
    const before = doneBytes;
    const hash = await hashFile(path, {
      signal: options.signal,
      onProgress: bytes => options.onProgress?.(before + bytes, totalBytes),
    });
    if (hash !== expected.sha256)
      throw damaged(manifest, `${path} is not what was written when the model was converted`);
    doneBytes += expected.sizeBytes;
  }
  return manifest;
}

function checkManifest(json: unknown, folder: string): Manifest {
  const format = (json as { format?: unknown } | null)?.format;
  if (typeof format === 'number' && format !== MANIFEST_FORMAT) {
    throw unusable(folder, `it has format ${format}, this version reads ${MANIFEST_FORMAT}`);
  }
  const result = manifestSchema.safeParse(json);
  if (!result.success) {
    const issue = result.error.issues[0]!;
    throw unusable(folder, `${MANIFEST_NAME}: ${issue.path.join('.')} ${issue.message}`);
  }
  const manifest = result.data;
  const needed = graphFiles(manifest).flatMap(({ onnx, data }) => [onnx, data]);
  const tables = [manifest.embedding, ...(manifest.outputEmbedding ? [manifest.outputEmbedding] : [])];
  for (const name of [...needed, ...tables.map(table => table.file)]) {
    if (!Object.hasOwn(manifest.files, name)) throw unusable(folder, `${name} is not among its files`);
  }
  const takesShortcut = Object.values(manifest.experts?.levels ?? {}).some(plan => plan.shortcut);
  if (takesShortcut && !manifest.graphs.shortcut)
    throw unusable(folder, 'it lacks the shortcut that a level takes');
  return manifest;
}

/** Says by the hashes of its files which conversion this is, whatever else was noted in its manifest since. */
export function conversionKey({ files }: Manifest): string {
  const hashes = Object.entries(files).map(([name, { sha256 }]) => `${name} ${sha256}`);
  return createHash('sha256').update(hashes.sort().join('\n')).digest('hex');
}

/** Every graph that a model has. */
export function graphFiles({ graphs }: Manifest): GraphFile[] {
  const { body, routed, shortcut, head, drafter } = graphs;
  return [body, routed, shortcut, shortcut?.rest, head, drafter].filter(file => file != null);
}

function parseJson(text: string, folder: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw unusable(folder, `${MANIFEST_NAME} is not JSON`);
  }
}

function unusable(folder: string, problem: string): MoebiusError {
  return new MoebiusError(
    'model-invalid',
    `The model in ${folder} can't be used: ${problem}. Convert it again.`,
  );
}

function damaged({ id, variant }: Manifest, problem: string): MoebiusError {
  const advice = `Remove it with \`moebius model remove ${id} --variant ${variant}\`, then get it again with \`moebius model add\``;
  return new MoebiusError('hash-mismatch', `${problem}. ${advice}.`);
}
