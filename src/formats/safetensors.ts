/**
 * Safetensors: a folder with one `model.safetensors`, or several shards and `model.safetensors.index.json`. Headers are
 * read at once, tensors row by row. Format: https://github.com/huggingface/safetensors#format.
 * All failures of a file's content are MoebiusError `format-invalid` naming the file.
 */
import { type FileHandle, open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MoebiusError } from '../base/errors.ts';
import { dequantize } from './dequantize.ts';

export interface SafetensorsInfo {
  dtype: string;
  /** Outermost dimension first. */
  shape: readonly number[];
  elements: number;
  /** Absolute, in bytes. */
  offset: number;
  sizeBytes: number;
}

const HEADER_BYTES = 100 * 1024 * 1024; // the format's own limit
const INDEX_BYTES = 64 * 1024 * 1024;
const READ_BYTES = 64 * 1024 * 1024;
const INDEX_NAME = /\.safetensors\.index\.json$/;
const SHARD_NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]*\.safetensors$/;

/** Of types whose sizes can be checked; others (U32, F8_E8M0, F4, ...) may be there, and are refused where they are read. */
const DTYPE_BYTES: Readonly<Record<string, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
};

/** Opens the checkpoint in `folder`; its headers are read, its tensors are not. Throws `not-found` or `format-invalid`. */
export async function openSafetensors(folder: string): Promise<SafetensorsFolder> {
  const names = await readdir(folder).catch(cause => {
    throw new MoebiusError('not-found', `There is no folder ${folder}.`, { cause });
  });
  const index = names.find(name => INDEX_NAME.test(name));
  const files = names.filter(name => SHARD_NAME.test(name)).sort();
  if (files.length === 0) throw new MoebiusError('not-found', `${folder} holds no .safetensors files.`);
  const shardOf = index ? await readIndex(folder, index, new Set(files)) : null;
  if (!shardOf && files.length > 1) {
    throw new MoebiusError('format-invalid', `${folder} has ${files.length} shards but no index of them.`);
  }
  const shards = new Map<string, Shard>();
  try {
    for (const name of new Set(shardOf?.values() ?? files)) shards.set(name, await Shard.open(folder, name));
    return new SafetensorsFolder(folder, placed(shards, shardOf));
  } catch (error) {
    for (const shard of shards.values()) await shard.close();
    throw error;
  }
}

interface Placed {
  shard: Shard;
  info: SafetensorsInfo;
}

/** Every tensor with its shard; those of the index alone, where there is one. */
function placed(
  shards: ReadonlyMap<string, Shard>,
  shardOf: ReadonlyMap<string, string> | null,
): Map<string, Placed> {
  const tensors = new Map<string, Placed>();
  for (const [file, shard] of shards) {
    for (const [name, info] of shard.tensors) {
      if (!shardOf || shardOf.get(name) === file) tensors.set(name, { shard, info });
    }
  }
  for (const [name, file] of shardOf ?? []) {
    if (!tensors.has(name)) throw invalid(file, `the index says it holds ${name}, which it does not`);
  }
  return tensors;
}

/** Name of the shard by name of the tensor. */
async function readIndex(
  folder: string,
  name: string,
  present: ReadonlySet<string>,
): Promise<Map<string, string>> {
  const path = join(folder, name);
  if ((await stat(path)).size > INDEX_BYTES) throw invalid(name, 'it is too large');
  const json = parseObject(await readFile(path, 'utf8'), name);
  const entries = Object.entries(asObject(json.weight_map, name));
  if (entries.length === 0) throw invalid(name, 'it names no tensors');
  const shardOf = new Map<string, string>();
  for (const [tensor, shard] of entries) {
    if (typeof shard !== 'string' || !SHARD_NAME.test(shard)) {
      throw invalid(name, `the file of ${tensor} has a bad name`);
    }
    if (!present.has(shard)) {
      throw new MoebiusError('not-found', `${shard} is missing in ${folder}: fetch the model again.`);
    }
    shardOf.set(tensor, shard);
  }
  return shardOf;
}

export class SafetensorsFolder {
  readonly folder: string;
  readonly #tensors: ReadonlyMap<string, Placed>;

  constructor(folder: string, tensors: ReadonlyMap<string, Placed>) {
    this.folder = folder;
    this.#tensors = tensors;
  }

  get names(): Iterable<string> {
    return this.#tensors.keys();
  }

  /** Names of the files that hold the tensors, sorted. */
  get files(): string[] {
    return [...new Set([...this.#tensors.values()].map(({ shard }) => shard.name))].sort();
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  info(name: string): SafetensorsInfo {
    return this.#find(name).info;
  }

  /** Raw bytes of rows `rowStart .. rowStart + rowCount`; a row is the last dimension, all before it count as rows. */
  read(name: string, rowStart = 0, rowCount?: number): Promise<Uint8Array> {
    const { shard, info } = this.#find(name);
    const rows = info.elements / (info.shape.at(-1) ?? 1);
    const count = rowCount ?? rows - rowStart;
    if (rowStart < 0 || count < 0 || rowStart + count > rows) {
      throw new RangeError(`rows ${rowStart} to ${rowStart + count} of ${name}, which has ${rows}`);
    }
    const rowBytes = info.sizeBytes / rows;
    return shard.read(info.offset + rowStart * rowBytes, count * rowBytes);
  }

  /** The same rows as float32. Throws `unsupported` for a type of numbers that is no float. */
  async readF32(name: string, rowStart = 0, rowCount?: number): Promise<Float32Array> {
    const { dtype } = this.info(name);
    if (dtype !== 'F32' && dtype !== 'F16' && dtype !== 'BF16') {
      throw new MoebiusError(
        'unsupported',
        `${name} is stored as ${dtype}; F32, F16 and BF16 can be read. Choose the original weights or a GGUF of them.`,
      );
    }
    return dequantize(dtype, await this.read(name, rowStart, rowCount));
  }

  async close(): Promise<void> {
    for (const shard of new Set([...this.#tensors.values()].map(({ shard }) => shard))) await shard.close();
  }

  #find(name: string): Placed {
    const found = this.#tensors.get(name);
    if (!found) throw invalid(this.folder, `the tensor ${name} is missing`);
    return found;
  }
}

class Shard {
  readonly name: string;
  readonly tensors: ReadonlyMap<string, SafetensorsInfo>;
  readonly #handle: FileHandle;

  private constructor(name: string, handle: FileHandle, tensors: ReadonlyMap<string, SafetensorsInfo>) {
    this.name = name;
    this.#handle = handle;
    this.tensors = tensors;
  }

  static async open(folder: string, name: string): Promise<Shard> {
    const handle = await open(join(folder, name), 'r');
    try {
      const { size } = await handle.stat();
      return new Shard(name, handle, await readHeader(handle, size, name));
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const want = Math.min(length - done, READ_BYTES);
      const { bytesRead } = await this.#handle.read(bytes, done, want, offset + done);
      if (bytesRead === 0) throw invalid(this.name, 'the data is cut off');
      done += bytesRead;
    }
    return bytes;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

/** 8 bytes with the header's length, the header as JSON, the data. */
async function readHeader(
  handle: FileHandle,
  fileBytes: number,
  name: string,
): Promise<Map<string, SafetensorsInfo>> {
  const prefix = Buffer.alloc(8);
  if (fileBytes < prefix.length) throw invalid(name, 'it is too short');
  await handle.read(prefix, 0, prefix.length, 0);
  const length = Number(prefix.readBigUInt64LE());
  if (length > HEADER_BYTES || length > fileBytes - prefix.length) {
    throw invalid(name, `its header would have ${length} bytes`);
  }
  const text = Buffer.alloc(length);
  await handle.read(text, 0, length, prefix.length);
  const dataStart = prefix.length + length;
  const tensors = new Map<string, SafetensorsInfo>();
  for (const [tensor, entry] of Object.entries(parseObject(text.toString('utf8'), name))) {
    if (tensor === '__metadata__') continue;
    tensors.set(tensor, readEntry(asObject(entry, name), tensor, { name, dataStart, fileBytes }));
  }
  return tensors;
}

function readEntry(
  { dtype, shape, data_offsets: offsets }: Record<string, unknown>,
  tensor: string,
  file: { name: string; dataStart: number; fileBytes: number },
): SafetensorsInfo {
  if (typeof dtype !== 'string' || !isSizes(shape) || !isSizes(offsets) || offsets.length !== 2) {
    throw invalid(file.name, `the entry of ${tensor} is malformed`);
  }
  const elements = shape.reduce((product, size) => product * size, 1);
  const [from, to] = offsets as [number, number];
  const bytes = Object.hasOwn(DTYPE_BYTES, dtype) ? elements * DTYPE_BYTES[dtype]! : Math.max(0, to - from);
  if (to - from !== bytes) throw invalid(file.name, `${tensor} has ${to - from} bytes`);
  if (file.dataStart + to > file.fileBytes) throw invalid(file.name, `${tensor} lies past its end`);
  return { dtype, shape, elements, offset: file.dataStart + from, sizeBytes: to - from };
}

const isSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every(size => Number.isSafeInteger(size) && size >= 0);

function parseObject(text: string, file: string): Record<string, unknown> {
  try {
    return asObject(JSON.parse(text), file);
  } catch (cause) {
    if (cause instanceof MoebiusError) throw cause;
    throw invalid(file, 'it is no JSON');
  }
}

function asObject(value: unknown, file: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw invalid(file, 'an object is missing');
}

function invalid(file: string, problem: string): MoebiusError {
  return new MoebiusError(
    'format-invalid',
    `${file} can't be used: ${problem}. Fetch the model again or choose another.`,
  );
}
