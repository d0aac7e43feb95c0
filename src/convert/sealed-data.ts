/** Calibrated data that ships with the program: a JSON description beside one binary file, which it names with its hash. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { MoebiusError } from '../base/errors.ts';
import { halfTable } from '../formats/float16.ts';

/** Far above any carving or drafter: 8 KiB a neuron of the largest model that fits u16 orders would be less. */
const MAX_DATA_BYTES = 256 * 1024 * 1024;
/** A carving names every file that it was made from. */
const MAX_JSON_BYTES = 1024 * 1024;

/** The binary file as a description names it. */
export const dataFile = z.strictObject({
  file: z.string().regex(/^[\w-]+\.bin$/),
  sizeBytes: z.int().positive().max(MAX_DATA_BYTES),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
export type DataFile = z.infer<typeof dataFile>;

/** The description at `path`, checked for shape. Errors: `not-found`, `model-invalid`. */
export async function readDescription<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  const name = basename(path);
  const invalid = (problem: string, cause?: unknown) =>
    new MoebiusError('model-invalid', `${path} can't be used: ${problem}.`, { cause });
  const size = await stat(path).then(
    found => found.size,
    cause => {
      throw new MoebiusError('not-found', `There is no ${path}.`, { cause });
    },
  );
  if (size > MAX_JSON_BYTES) throw invalid(`it is larger than ${MAX_JSON_BYTES} bytes`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw invalid('it is not JSON', cause);
  }
  const result = schema.safeParse(parsed);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  throw invalid(`${issue.path.join('.') || name}: ${issue.message}`, result.error);
}

/** The bytes of a data file. Throws `hash-mismatch`. */
export async function readSealed(path: string, expected: DataFile): Promise<Buffer> {
  const size = await stat(path).then(
    found => found.size,
    () => -1,
  );
  const damaged = (): MoebiusError =>
    new MoebiusError('hash-mismatch', `${path} is missing or damaged. Get the file again from the release.`);
  if (size !== expected.sizeBytes) throw damaged();
  const bytes = await readFile(path);
  if (createHash('sha256').update(bytes).digest('hex') !== expected.sha256) throw damaged();
  return bytes;
}

/**
 * Writes `bytes` and a description of them, made by `describe`. The description goes last, by rename, so that data which is
 * half-made has none.
 */
export async function writeSealed(
  folder: string,
  names: { json: string; data: string },
  bytes: Buffer,
  describe: (data: DataFile) => object,
): Promise<void> {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const description = describe({ file: names.data, sizeBytes: bytes.length, sha256 });
  await mkdir(folder, { recursive: true });
  const json = join(folder, names.json);
  await rm(json, { force: true });
  await writeFile(join(folder, names.data), bytes);
  await writeDescription(json, description);
}

/**
 * Tries to write there, and leaves nothing: what stands in the way is to be known before the hours of work that are to be written
 * down. Throws `bad-request`.
 */
export async function assertWritable(folder: string): Promise<void> {
  const probe = join(folder, '.moebius-probe');
  try {
    const made = await mkdir(folder, { recursive: true });
    await writeFile(probe, '');
    await rm(probe);
    if (made !== undefined) await rm(made, { recursive: true });
  } catch (cause) {
    const reason = (cause as Error).message;
    throw new MoebiusError('bad-request', `${folder} can't be written to: ${reason}.`, { cause });
  }
}

/** By rename: in full or not at all. */
export async function writeDescription(path: string, description: object): Promise<void> {
  const part = `${path}.part`;
  try {
    await writeFile(part, `${JSON.stringify(description, null, 2)}\n`);
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true }).catch(() => undefined);
    throw error;
  }
}

/** Reads little-endian numbers one field after the other. */
export class FieldReader {
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Excess 8, low nibble first. */
  i4(length: number): Int8Array {
    let byte = 0;
    return Int8Array.from({ length }, (_, i) => {
      byte = i % 2 === 0 ? this.#view.getUint8(this.#step(1)) : byte >> 4;
      return (byte & 0x0f) - 8;
    });
  }

  u16(length: number): Uint16Array {
    return Uint16Array.from({ length }, () => this.#view.getUint16(this.#step(2), true));
  }

  u32(length: number): Uint32Array {
    return Uint32Array.from({ length }, () => this.#view.getUint32(this.#step(4), true));
  }

  f16(length: number): Float32Array {
    const table = halfTable();
    return Float32Array.from({ length }, () => table[this.#view.getUint16(this.#step(2), true)]!);
  }

  f32(length: number): Float32Array {
    return Float32Array.from({ length }, () => this.#view.getFloat32(this.#step(4), true));
  }

  #step(bytes: number): number {
    this.#at += bytes;
    return this.#at - bytes;
  }
}
