/** Writes safetensors files for tests: float32 tensors by name, or bytes of any type. */
import { writeFile } from 'node:fs/promises';

export interface TensorToWrite {
  dtype: string;
  shape: readonly number[];
  bytes: Uint8Array;
}

export function floatTensor(shape: readonly number[], values: Float32Array): TensorToWrite {
  return { dtype: 'F32', shape, bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
}

export async function writeSafetensors(
  path: string,
  tensors: Readonly<Record<string, TensorToWrite>>,
): Promise<void> {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let at = 0;
  for (const [name, { dtype, shape, bytes }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [at, at + bytes.length] };
    at += bytes.length;
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  await writeFile(path, Buffer.concat([length, json, ...Object.values(tensors).map(({ bytes }) => bytes)]));
}
