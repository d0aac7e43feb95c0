/** GGUF files built byte by byte, right or wrong. */

export const UINT32 = 4;
export const FLOAT32 = 6;
const BOOL = 7;
export const STRING = 8;
export const ARRAY = 9;

export const u32 = (value: number) => Buffer.from(new Uint32Array([value]).buffer);
export const u64 = (value: number | bigint) => Buffer.from(new BigUint64Array([BigInt(value)]).buffer);
export const str = (text: string) => Buffer.concat([u64(Buffer.byteLength(text)), Buffer.from(text)]);

export interface Parts {
  magic?: string;
  version?: number;
  tensorCount?: number | bigint;
  entryCount?: number | bigint;
  entries?: Buffer[];
  tensors?: Buffer[];
  dataBytes?: number;
}

export function ggufBytes(parts: Parts): Buffer {
  const { magic = 'GGUF', version = 3, entries = [], tensors = [], dataBytes = 64 } = parts;
  const header = Buffer.concat([
    Buffer.from(magic),
    u32(version),
    u64(parts.tensorCount ?? tensors.length),
    u64(parts.entryCount ?? entries.length),
    ...entries,
    ...tensors,
  ]);
  return Buffer.concat([header, Buffer.alloc(((32 - (header.length % 32)) % 32) + dataBytes)]);
}

/** One row of the tensor table. `dims` innermost first, as in the file; type 0 is F32. */
export function tensorRow(
  dims: (number | bigint)[],
  type = 0,
  offset: number | bigint = 0,
  name = 'w',
): Buffer {
  return Buffer.concat([str(name), u32(dims.length), ...dims.map(u64), u32(type), u64(offset)]);
}

/** One metadata entry: text, an unsigned number, or a list of either. */
export function entry(key: string, value: string | number | string[] | number[]): Buffer {
  const encode = (item: string | number) => (typeof item === 'string' ? str(item) : u32(item));
  const typeOf = (item: string | number | undefined) => u32(typeof item === 'number' ? UINT32 : STRING);
  if (!Array.isArray(value)) return Buffer.concat([str(key), typeOf(value), encode(value)]);
  return Buffer.concat([str(key), u32(ARRAY), typeOf(value[0]), u64(value.length), ...value.map(encode)]);
}

export function floatEntry(key: string, value: number): Buffer {
  return Buffer.concat([str(key), u32(FLOAT32), Buffer.from(new Float32Array([value]).buffer)]);
}

export function boolEntry(key: string, value: boolean): Buffer {
  return Buffer.concat([str(key), u32(BOOL), Buffer.from([Number(value)])]);
}
