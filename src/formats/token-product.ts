/**
 * A product of 8-bit weights and 8-bit activations as nodes of a graph: every token's row is rounded to 8 bits by a scale of its own, every
 * output channel has a scale of its own (W8A8, per token and per channel: arXiv 2206.01861), and sums are exact in int32. It is the one form whose
 * kernels use the matrix units of processors that have them (AMX), and it costs nearly the same for one row as for sixteen.
 */
import type { OnnxBuilder } from './onnx.ts';

/** A value [n, cols] as 8-bit codes of its rows: x = (codes - 128) * scales. */
export interface TokenCodes {
  /** u8 [n, cols] */
  codes: string;
  /** f32 [n, 1] */
  scales: string;
}

/** onnxruntime's operator for it. */
export const TOKEN_PRODUCT = 'MatMulIntegerToFloat';
/** Codes reach this far to either side of 128. */
export const LARGEST_CODE = 127;
const ZERO = 128;

/** Adds such products to a graph, and what they share of it: constants, and the codes of a value that several products take. */
export class TokenProducts {
  readonly #builder: OnnxBuilder;
  readonly #codes = new Map<string, TokenCodes>();
  readonly #constants = new Set<string>();

  constructor(builder: OnnxBuilder) {
    this.#builder = builder;
  }

  /** x f32 [n, cols] as codes, once for all products that take it. A row of zeros has the scale 0: whatever its codes are, products of it are 0. */
  quantise(x: string): TokenCodes {
    const known = this.#codes.get(x);
    if (known) return known;
    const node = (op: string, inputs: string[], name: string, attributes = {}) =>
      this.#builder.addNode(op, inputs, [`${x}.${name}`], attributes);
    const last = this.#constant('last_axis', 'int64', [1], [-1]);
    const largest = node('ReduceMax', [node('Abs', [x], 'abs'), last], 'largest', { keepdims: 1 });
    const scales = node('Mul', [largest, this.#step()], 'token_scales');
    const list = node('Reshape', [scales, last], 'token_scales.list');
    const zeros = node('Expand', [this.#zero(), node('Shape', [list], 'tokens')], 'zeros');
    const codes = node('QuantizeLinear', [x, list, zeros], 'codes', { axis: 0 });
    const made = { codes, scales };
    this.#codes.set(x, made);
    return made;
  }

  /** codes u8 [n, cols], weight i8 [cols, rows], channel scales f32 [rows] -> f32 [n, rows] named `name`, still to be scaled by token. */
  multiply(name: string, codes: string, weight: string, channelScales: string): string {
    const one = this.#constant('one', 'float32', [], Float32Array.of(1));
    const inputs = [codes, weight, one, channelScales, this.#zero()];
    return this.#builder.addNode(TOKEN_PRODUCT, inputs, [name], {}, 'com.microsoft');
  }

  #zero(): string {
    return this.#constant('zero_code', 'uint8', [], [ZERO]);
  }

  #step(): string {
    return this.#constant('step', 'float32', [], Float32Array.of(1 / LARGEST_CODE));
  }

  #constant(
    name: string,
    dtype: 'int64' | 'float32' | 'uint8',
    dims: number[],
    values: number[] | Float32Array,
  ): string {
    const full = `token_products.${name}`;
    if (!this.#constants.has(full)) {
      this.#constants.add(full);
      this.#builder.addInitializer(full, dtype, dims, values);
    }
    return full;
  }
}
