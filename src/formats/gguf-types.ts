/** GGUF value types and ggml tensor types. Source: ggml's gguf.h and ggml-common.h. */
import { MoebiusError } from '../base/errors.ts';

export type GgufValue = number | bigint | boolean | string | GgufValue[];

/** Every malformed file is refused with the field that is wrong, so that the reader of the message can act. */
export function invalidGguf(file: string, field: string, problem: string): MoebiusError {
  return new MoebiusError(
    'format-invalid',
    `${file} is not a usable GGUF file: ${field} ${problem}. Download it again or choose another file.`,
  );
}

/** Scalar value types by their number in the file; size in bytes, `string` and `array` have none. */
export const VALUE_TYPES = [
  { name: 'uint8', sizeBytes: 1 },
  { name: 'int8', sizeBytes: 1 },
  { name: 'uint16', sizeBytes: 2 },
  { name: 'int16', sizeBytes: 2 },
  { name: 'uint32', sizeBytes: 4 },
  { name: 'int32', sizeBytes: 4 },
  { name: 'float32', sizeBytes: 4 },
  { name: 'bool', sizeBytes: 1 },
  { name: 'string', sizeBytes: 8 },
  { name: 'array', sizeBytes: 12 },
  { name: 'uint64', sizeBytes: 8 },
  { name: 'int64', sizeBytes: 8 },
  { name: 'float64', sizeBytes: 8 },
] as const satisfies readonly { name: string; sizeBytes: number }[];

/** Storage of a tensor: `blockElements` consecutive values take `blockBytes`. */
interface TensorStorage {
  name: string;
  blockElements: number;
  blockBytes: number;
}

const storage = (name: string, blockElements: number, blockBytes: number): TensorStorage => ({
  name,
  blockElements,
  blockBytes,
});

/** By ggml type number. Some of them can be measured and copied but not dequantised (see dequantize.ts). */
const TENSOR_TYPES: ReadonlyMap<number, TensorStorage> = new Map([
  [0, storage('F32', 1, 4)],
  [1, storage('F16', 1, 2)],
  [2, storage('Q4_0', 32, 18)],
  [3, storage('Q4_1', 32, 20)],
  [6, storage('Q5_0', 32, 22)],
  [7, storage('Q5_1', 32, 24)],
  [8, storage('Q8_0', 32, 34)],
  [9, storage('Q8_1', 32, 40)],
  [10, storage('Q2_K', 256, 84)],
  [11, storage('Q3_K', 256, 110)],
  [12, storage('Q4_K', 256, 144)],
  [13, storage('Q5_K', 256, 176)],
  [14, storage('Q6_K', 256, 210)],
  [15, storage('Q8_K', 256, 292)],
  [16, storage('IQ2_XXS', 256, 66)],
  [17, storage('IQ2_XS', 256, 74)],
  [18, storage('IQ3_XXS', 256, 98)],
  [19, storage('IQ1_S', 256, 50)],
  [20, storage('IQ4_NL', 32, 18)],
  [21, storage('IQ3_S', 256, 110)],
  [22, storage('IQ2_S', 256, 82)],
  [23, storage('IQ4_XS', 256, 136)],
  [24, storage('I8', 1, 1)],
  [25, storage('I16', 1, 2)],
  [26, storage('I32', 1, 4)],
  [27, storage('I64', 1, 8)],
  [28, storage('F64', 1, 8)],
  [29, storage('IQ1_M', 256, 56)],
  [30, storage('BF16', 1, 2)],
  [34, storage('TQ1_0', 256, 54)],
  [35, storage('TQ2_0', 256, 66)],
  [39, storage('MXFP4', 32, 17)],
  [40, storage('NVFP4', 64, 36)],
  [41, storage('Q1_0', 128, 18)],
]);

export function tensorStorage(typeNumber: number): TensorStorage | undefined {
  return TENSOR_TYPES.get(typeNumber);
}
