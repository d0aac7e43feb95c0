/**
 * The header of a GGUF file: magic, version, metadata, tensor table. Little-endian, versions 2 and 3.
 * Source: ggml/docs/gguf.md. Nothing is allocated for a count or a length before it has been compared with a cap and with
 * the bytes that are left in the file.
 */
import { readSync } from 'node:fs';
import { type GgufValue, invalidGguf, tensorStorage, VALUE_TYPES } from './gguf-types.ts';

/** Far above what published models need (a 256k vocabulary takes 10 MB of header), far below what hurts. */
export const GGUF_LIMITS = {
  headerBytes: 256 * 1024 * 1024,
  metadataEntries: 65_536,
  tensors: 131_072,
  keyBytes: 65_535,
  nameBytes: 1024,
  stringBytes: 16 * 1024 * 1024,
  arrayElements: 16_777_216,
  arrayDepth: 4,
  dimensions: 4,
  alignment: 65_536,
} as const;

export interface GgufTensorInfo {
  name: string;
  /** ggml type name, e.g. `Q4_K`. */
  type: string;
  /** Outermost first (numpy order): a matrix is [rows, cols]; its columns are contiguous. */
  shape: number[];
  /** Bytes from the start of the file. */
  offset: number;
  sizeBytes: number;
  elements: number;
}

export interface GgufHeader {
  version: number;
  metadata: Map<string, GgufValue>;
  tensors: Map<string, GgufTensorInfo>;
}

const MAGIC = 'GGUF';
const DEFAULT_ALIGNMENT = 32;
const WINDOW_BYTES = 1024 * 1024;

/** Reads the header through a window of the open file `fd`. `file` is the name used in messages. */
export function readGgufHeader(fd: number, fileBytes: number, file: string): GgufHeader {
  const cursor = new HeaderCursor(fd, fileBytes, file);
  const magic = cursor.bytes(4, 'the magic').toString('latin1');
  if (magic !== MAGIC) throw invalidGguf(file, 'the magic', `is ${JSON.stringify(magic)} instead of "GGUF"`);
  const version = cursor.u32('the version');
  if (version !== 2 && version !== 3) {
    const swapped = version > 0 && version % 0x1000000 === 0 ? ' (a big-endian file)' : '';
    throw invalidGguf(file, 'the version', `is ${version}${swapped}; versions 2 and 3 can be read`);
  }
  const tensorCount = cursor.count('the tensor count', GGUF_LIMITS.tensors, 24);
  const entryCount = cursor.count('the metadata count', GGUF_LIMITS.metadataEntries, 13);
  const metadata = readMetadata(cursor, entryCount);
  const tensors = readTensorTable(cursor, tensorCount, alignmentOf(metadata, file));
  return { version, metadata, tensors };
}

function readMetadata(cursor: HeaderCursor, entries: number): Map<string, GgufValue> {
  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < entries; i++) {
    const key = cursor.string(`metadata key ${i}`, GGUF_LIMITS.keyBytes);
    const field = `metadata ${JSON.stringify(key)}`;
    if (metadata.has(key)) throw cursor.invalid(field, 'appears twice');
    metadata.set(key, readValue(cursor, cursor.u32(`the type of ${field}`), field, 0));
  }
  return metadata;
}

function readValue(cursor: HeaderCursor, typeNumber: number, field: string, depth: number): GgufValue {
  const type = VALUE_TYPES[typeNumber];
  if (!type) throw cursor.invalid(field, `has the unknown value type ${typeNumber}`);
  if (type.name === 'string') return cursor.string(field, GGUF_LIMITS.stringBytes);
  if (type.name !== 'array') return cursor.scalar(type.name, type.sizeBytes, field);
  if (depth >= GGUF_LIMITS.arrayDepth) {
    throw cursor.invalid(field, `nests arrays deeper than ${GGUF_LIMITS.arrayDepth}`);
  }
  const elementType = cursor.u32(`the element type of ${field}`);
  const elementBytes = VALUE_TYPES[elementType]?.sizeBytes;
  if (!elementBytes) throw cursor.invalid(field, `has the unknown element type ${elementType}`);
  const count = cursor.count(`the length of ${field}`, GGUF_LIMITS.arrayElements, elementBytes);
  const values: GgufValue[] = [];
  for (let i = 0; i < count; i++) values.push(readValue(cursor, elementType, field, depth + 1));
  return values;
}

function alignmentOf(metadata: Map<string, GgufValue>, file: string): number {
  const alignment = metadata.get('general.alignment') ?? DEFAULT_ALIGNMENT;
  const isPowerOfTwo = typeof alignment === 'number' && alignment > 0 && (alignment & (alignment - 1)) === 0;
  if (!isPowerOfTwo || alignment > GGUF_LIMITS.alignment) {
    throw invalidGguf(
      file,
      'general.alignment',
      `is ${alignment}, not a power of two up to ${GGUF_LIMITS.alignment}`,
    );
  }
  return alignment;
}

function readTensorTable(
  cursor: HeaderCursor,
  count: number,
  alignment: number,
): Map<string, GgufTensorInfo> {
  const tensors = new Map<string, GgufTensorInfo>();
  for (let i = 0; i < count; i++) {
    const tensor = readTensorInfo(cursor, i, alignment);
    if (tensors.has(tensor.name))
      throw cursor.invalid(`tensor ${JSON.stringify(tensor.name)}`, 'appears twice');
    tensors.set(tensor.name, tensor);
  }
  // Offsets in the table count from the end of the header, rounded up; only now that end is known.
  const dataStart = Math.ceil(cursor.position / alignment) * alignment;
  for (const tensor of tensors.values()) {
    tensor.offset += dataStart;
    const end = tensor.offset + tensor.sizeBytes;
    if (end > cursor.fileBytes) {
      throw cursor.invalid(
        `the data of tensor ${JSON.stringify(tensor.name)}`,
        `ends at byte ${end}, but the file has ${cursor.fileBytes} bytes`,
      );
    }
  }
  return tensors;
}

function readTensorInfo(cursor: HeaderCursor, index: number, alignment: number): GgufTensorInfo {
  const name = cursor.string(`the name of tensor ${index}`, GGUF_LIMITS.nameBytes);
  const field = `tensor ${JSON.stringify(name)}`;
  const dimensions = cursor.u32(`the dimension count of ${field}`);
  if (dimensions < 1 || dimensions > GGUF_LIMITS.dimensions) {
    throw cursor.invalid(field, `has ${dimensions} dimensions; 1 to ${GGUF_LIMITS.dimensions} are allowed`);
  }
  const shape: number[] = [];
  let elements = 1;
  for (let d = 0; d < dimensions; d++) {
    const size = cursor.u64(`dimension ${d} of ${field}`);
    elements *= size;
    if (size < 1) throw cursor.invalid(`dimension ${d} of ${field}`, 'is 0');
    if (!Number.isSafeInteger(elements)) throw cursor.invalid(field, 'has too many elements');
    shape.unshift(size);
  }
  const typeNumber = cursor.u32(`the type of ${field}`);
  const storage = tensorStorage(typeNumber);
  if (!storage) throw cursor.invalid(field, `has the unknown tensor type ${typeNumber}`);
  const cols = shape.at(-1)!;
  if (cols % storage.blockElements !== 0) {
    throw cursor.invalid(
      field,
      `has rows of ${cols} values, not a multiple of ${storage.name}'s ${storage.blockElements}`,
    );
  }
  const sizeBytes = (elements / storage.blockElements) * storage.blockBytes;
  const offset = cursor.u64(`the offset of ${field}`);
  if (offset % alignment !== 0)
    throw cursor.invalid(`the offset of ${field}`, `is ${offset}, not a multiple of ${alignment}`);
  if (offset > cursor.fileBytes || sizeBytes > cursor.fileBytes) {
    throw cursor.invalid(field, `lies outside the file (offset ${offset}, ${sizeBytes} bytes)`);
  }
  return { name, type: storage.name, shape, offset, sizeBytes, elements };
}

/** Reads forward through a window of the file; every method names the field it reads when it fails. */
class HeaderCursor {
  readonly fileBytes: number;
  /** Bytes consumed since the start of the file. */
  position = 0;
  readonly #fd: number;
  readonly #file: string;
  #window: Buffer = Buffer.alloc(0);
  #windowStart = 0;

  constructor(fd: number, fileBytes: number, file: string) {
    this.#fd = fd;
    this.fileBytes = fileBytes;
    this.#file = file;
  }

  invalid(field: string, problem: string): Error {
    return invalidGguf(this.#file, field, problem);
  }

  /** The next `length` bytes; valid until the next call. */
  bytes(length: number, field: string): Buffer {
    const start = this.#ensure(length, field);
    this.position += length;
    return this.#window.subarray(start, start + length);
  }

  u32(field: string): number {
    const start = this.#ensure(4, field);
    this.position += 4;
    return this.#window.readUInt32LE(start);
  }

  /** A 64-bit unsigned value that a double holds exactly; anything above is refused. */
  u64(field: string): number {
    const start = this.#ensure(8, field);
    this.position += 8;
    const high = this.#window.readUInt32LE(start + 4);
    if (high > 0x1fffff) throw this.invalid(field, 'is too large');
    return high * 0x1_0000_0000 + this.#window.readUInt32LE(start);
  }

  /** A number of things to come, each taking at least `minBytes` of the file. */
  count(field: string, cap: number, minBytes: number): number {
    const value = this.u64(field);
    if (value > cap) throw this.invalid(field, `is ${value}; at most ${cap} are allowed`);
    if (value * minBytes > this.fileBytes - this.position) {
      throw this.invalid(field, `is ${value}, more than the rest of the file can hold`);
    }
    return value;
  }

  string(field: string, cap: number): string {
    return this.bytes(this.count(`the length of ${field}`, cap, 1), field).toString('utf8');
  }

  scalar(type: string, sizeBytes: number, field: string): number | bigint | boolean {
    const at = this.#ensure(sizeBytes, field);
    this.position += sizeBytes;
    const window = this.#window;
    switch (type) {
      case 'uint8':
        return window.readUInt8(at);
      case 'int8':
        return window.readInt8(at);
      case 'uint16':
        return window.readUInt16LE(at);
      case 'int16':
        return window.readInt16LE(at);
      case 'uint32':
        return window.readUInt32LE(at);
      case 'int32':
        return window.readInt32LE(at);
      case 'float32':
        return window.readFloatLE(at);
      case 'float64':
        return window.readDoubleLE(at);
      case 'uint64':
        return narrowed(window.readBigUInt64LE(at));
      case 'int64':
        return narrowed(window.readBigInt64LE(at));
      default: {
        const byte = window.readUInt8(at);
        if (byte > 1) throw this.invalid(field, `holds ${byte} as a truth value`);
        return byte === 1;
      }
    }
  }

  /** Makes `length` bytes at `position` available; returns where they start in the window. */
  #ensure(length: number, field: string): number {
    const end = this.position + length;
    if (end > this.fileBytes) throw this.invalid(field, 'is cut off: the file ends there');
    if (end > GGUF_LIMITS.headerBytes) {
      throw this.invalid('the header', `is longer than ${GGUF_LIMITS.headerBytes} bytes`);
    }
    if (end > this.#windowStart + this.#window.length) this.#fill(length, field);
    return this.position - this.#windowStart;
  }

  #fill(length: number, field: string): void {
    const size = Math.min(Math.max(length, WINDOW_BYTES), this.fileBytes - this.position);
    const window = Buffer.allocUnsafeSlow(size);
    let filled = 0;
    while (filled < size) {
      const read = readSync(this.#fd, window, filled, size - filled, this.position + filled);
      if (read === 0) throw this.invalid(field, 'is cut off: the file became shorter while it was read');
      filled += read;
    }
    this.#window = window;
    this.#windowStart = this.position;
  }
}

/** 64-bit values are numbers where that is exact. */
function narrowed(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
