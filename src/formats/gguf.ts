/**
 * A GGUF file open for reading: metadata in memory, tensors read from disk row by row.
 * All failures of the file's content are MoebiusError `format-invalid` naming the field.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { basename } from 'node:path';
import { MoebiusError } from '../base/errors.ts';
import { dequantize } from './dequantize.ts';
import { type GgufTensorInfo, readGgufHeader } from './gguf-header.ts';
import { type GgufValue, invalidGguf } from './gguf-types.ts';

export type { GgufTensorInfo } from './gguf-header.ts';
export type { GgufValue } from './gguf-types.ts';

/** One read call; larger tensors are read in several. */
const READ_BYTES = 64 * 1024 * 1024;

export async function openGguf(path: string): Promise<GgufFile> {
  const handle = await openForReading(path);
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw new MoebiusError('format-invalid', `${path} is not a file.`);
    const header = readGgufHeader(handle.fd, stat.size, basename(path));
    return new GgufFile(path, handle, header.metadata, header.tensors);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function openForReading(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const message = isMissing ? `There is no file ${path}.` : `${path} can't be opened.`;
    throw new MoebiusError('not-found', message, { cause: error });
  }
}

export class GgufFile {
  readonly path: string;
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly tensors: ReadonlyMap<string, GgufTensorInfo>;
  readonly #handle: FileHandle;

  constructor(
    path: string,
    handle: FileHandle,
    metadata: ReadonlyMap<string, GgufValue>,
    tensors: ReadonlyMap<string, GgufTensorInfo>,
  ) {
    this.path = path;
    this.#handle = handle;
    this.metadata = metadata;
    this.tensors = tensors;
  }

  /** The value of `key`; without a fallback a missing key is an error, a value of another type always is. */
  getNumber(key: string): number;
  getNumber<T>(key: string, fallback: T): number | T;
  getNumber<T>(key: string, ...fallback: [T?]): number | T {
    return this.#get(key, 'number', isNumber, fallback as [T]);
  }

  getString(key: string): string;
  getString<T>(key: string, fallback: T): string | T;
  getString<T>(key: string, ...fallback: [T?]): string | T {
    return this.#get(key, 'string', isString, fallback as [T]);
  }

  getBoolean(key: string): boolean;
  getBoolean<T>(key: string, fallback: T): boolean | T;
  getBoolean<T>(key: string, ...fallback: [T?]): boolean | T {
    return this.#get(key, 'truth value', isBoolean, fallback as [T]);
  }

  getArray(key: string, elements: 'string'): string[];
  getArray(key: string, elements: 'number'): number[];
  getArray<T>(key: string, elements: 'string', fallback: T): string[] | T;
  getArray<T>(key: string, elements: 'number', fallback: T): number[] | T;
  getArray<T>(key: string, elements: 'string' | 'number', ...fallback: [T?]): string[] | number[] | T {
    return elements === 'string'
      ? this.#get(key, 'list of strings', isArrayOf(isString), fallback as [T])
      : this.#get(key, 'list of numbers', isArrayOf(isNumber), fallback as [T]);
  }

  /** The tensor's description; an error naming it if the file has none of that name. */
  tensor(name: string): GgufTensorInfo {
    const info = this.tensors.get(name);
    if (!info) throw invalidGguf(basename(this.path), `tensor ${JSON.stringify(name)}`, 'is missing');
    return info;
  }

  /**
   * Raw bytes of rows `rowStart .. rowStart + rowCount` (a row is the last dimension; with three dimensions the first two
   * count as rows). Without a range, the whole tensor.
   */
  async readTensor(name: string, rowStart = 0, rowCount?: number): Promise<Uint8Array> {
    const info = this.tensor(name);
    const rows = info.elements / info.shape.at(-1)!;
    const count = rowCount ?? rows - rowStart;
    const isInside = Number.isInteger(rowStart) && Number.isInteger(count) && rowStart >= 0 && count >= 0;
    if (!isInside || rowStart + count > rows) {
      throw new RangeError(`rows ${rowStart} to ${rowStart + count} of ${name}, which has ${rows}`);
    }
    const rowBytes = info.sizeBytes / rows;
    return this.#read(info.offset + rowStart * rowBytes, count * rowBytes);
  }

  /** The same rows as float32, row after row. */
  async readTensorF32(name: string, rowStart = 0, rowCount?: number): Promise<Float32Array> {
    return dequantize(this.tensor(name).type, await this.readTensor(name, rowStart, rowCount));
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  async #read(offset: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const want = Math.min(length - done, READ_BYTES);
      const { bytesRead } = await this.#handle.read(bytes, done, want, offset + done);
      if (bytesRead === 0) throw invalidGguf(basename(this.path), 'the data', 'is cut off');
      done += bytesRead;
    }
    return bytes;
  }

  #get<V, T>(
    key: string,
    expected: string,
    is: (value: GgufValue) => value is GgufValue & V,
    fallback: [T?],
  ): V | T {
    const value = this.metadata.get(key);
    if (value === undefined) {
      if (fallback.length > 0) return fallback[0] as T;
      throw invalidGguf(basename(this.path), `metadata ${JSON.stringify(key)}`, 'is missing');
    }
    if (is(value)) return value;
    throw invalidGguf(basename(this.path), `metadata ${JSON.stringify(key)}`, `is not a ${expected}`);
  }
}

const isNumber = (value: GgufValue): value is number => typeof value === 'number';
const isString = (value: GgufValue): value is string => typeof value === 'string';
const isBoolean = (value: GgufValue): value is boolean => typeof value === 'boolean';
const isArrayOf =
  <E extends GgufValue>(is: (value: GgufValue) => value is E) =>
  (value: GgufValue): value is E[] =>
    Array.isArray(value) && value.every(is);
