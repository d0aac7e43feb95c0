/** Matrix products of a graph: which form a weight takes, its bytes in the data file, its nodes. */

import { decodeQ4K } from '../../formats/dequantize-k.ts';
import type { ExternalBlob, ExternalDataWriter, OnnxBuilder } from '../../formats/onnx.ts';
import { alignedBytes } from '../../formats/onnx-data.ts';
import { TokenProducts } from '../../formats/token-product.ts';
import { FINE, minimumColumns, type Packed, packChannels, packMinima, packRows } from '../quantise.ts';
import type { MatrixSource } from '../weights.ts';

/**
 * `f32`: as is. `w8a8`: 8 bits, a scale a row, for inputs that are rounded to 8 bits as well (formats/token-product.ts).
 * `int8`, `int4`: symmetric blocks. `int4min`: 4-bit blocks of 32 with a minimum, for what is published as Q4_K: its codes are kept.
 * The block sizes are what onnxruntime's kernels are fastest at without losing quality.
 */
export type WeightForm =
  | { kind: 'f32' }
  | { kind: 'w8a8' }
  | { kind: 'int8'; blockSize: number }
  | { kind: 'int4'; blockSize: number }
  | { kind: 'int4min' };

export type BlockForm = Exclude<WeightForm, { kind: 'f32' | 'w8a8' }>;

/** What a weight takes in the data file, with its scales. */
export function storedBytes({ rows, cols }: Pick<MatrixSource, 'rows' | 'cols'>, form: WeightForm): number {
  const inBlocks = (size: number, bits: number, all = cols) => {
    const blocks = rows * Math.ceil(all / size);
    return alignedBytes((blocks * size * bits) / 8) + alignedBytes(4 * blocks);
  };
  switch (form.kind) {
    case 'f32':
      return alignedBytes(4 * rows * cols);
    case 'w8a8':
      return alignedBytes(rows * cols) + alignedBytes(4 * rows);
    case 'int8':
      return inBlocks(form.blockSize, 8);
    case 'int4':
      return inBlocks(form.blockSize, 4);
    case 'int4min':
      return inBlocks(32, 4, cols + minimumColumns(cols));
  }
}

/** Where a weight lies in the data file; scales of 8 and 4 bits alone. */
export interface PlacedWeight {
  blob: ExternalBlob;
  scales: ExternalBlob | null;
}

/** Rows quantised at a time: bounds memory to a few tens of megabytes. */
const ROWS_AT_ONCE = 512;

export class GraphWriter {
  readonly builder: OnnxBuilder;
  readonly data: ExternalDataWriter;
  /** Products of 8-bit codes, for the form `w8a8`. */
  readonly tokens: TokenProducts;
  readonly #onBytes: (sourceElements: number) => void;
  /** Values that already have their block sums appended, by name. */
  readonly #corrected = new Map<string, string>();
  readonly #constants = new Set<string>();

  constructor(builder: OnnxBuilder, data: ExternalDataWriter, onElements: (count: number) => void) {
    this.builder = builder;
    this.data = data;
    this.tokens = new TokenProducts(builder);
    this.#onBytes = onElements;
  }

  /** Adds a node in ONNX's own domain; its first output has the node's name. */
  node(op: string, inputs: string[], name: string, attributes = {}, outputs: string[] = [name]): string {
    return this.builder.addNode(op, inputs, outputs, attributes);
  }

  /** Adds a node of onnxruntime's contributed operators. */
  contrib(op: string, inputs: string[], name: string, attributes = {}, outputs: string[] = [name]): string {
    return this.builder.addNode(op, inputs, outputs, attributes, 'com.microsoft');
  }

  /** A small int64 constant, shared by all who ask for the same. */
  ints(values: number[], dims: number[] = [values.length]): string {
    const name = `const.${dims.length === 0 ? 's' : ''}${values.join('_')}`;
    if (!this.#constants.has(name)) {
      this.#constants.add(name);
      this.builder.addInitializer(name, 'int64', dims, values);
    }
    return name;
  }

  /** A float32 number, shared by all who ask for the same. */
  float(value: number): string {
    const name = `const.f${value}`;
    if (!this.#constants.has(name)) {
      this.#constants.add(name);
      this.builder.addInitializer(name, 'float32', [], Float32Array.of(value));
    }
    return name;
  }

  async floats(name: string, dims: number[], values: Float32Array): Promise<string> {
    return this.builder.addExternal(name, 'float32', dims, await this.data.write(values));
  }

  /**
   * y [n, rows] = x [n, cols] @ weight^T (+ bias [rows]).
   * Returns the name of y, which is `name`, and where the weight lies.
   */
  async linear(
    name: string,
    x: string,
    weight: MatrixSource,
    form: WeightForm,
    options: { bias?: Float32Array; importance?: Float32Array | undefined } = {},
  ): Promise<PlacedWeight> {
    const bias = options.bias ? await this.floats(`${name}.bias`, [weight.rows], options.bias) : null;
    if (form.kind === 'f32') {
      const blob = await this.storeFloats(weight);
      this.builder.addExternal(`${name}.weight`, 'float32', [weight.rows, weight.cols], blob);
      this.node('Gemm', [x, `${name}.weight`, ...(bias ? [bias] : [])], name, { transB: 1 });
      return { blob, scales: null };
    }
    if (form.kind === 'w8a8') {
      const { codes, scales } = this.tokens.quantise(x);
      const placed = await this.multiplyCodes(`${name}.product`, codes, weight, name);
      this.node('Mul', [`${name}.product`, scales], bias ? `${name}.scaled` : name);
      if (bias) this.node('Add', [`${name}.scaled`, bias], name);
      return placed;
    }
    const { blob, scales, bits, blockSize, cols } = await this.store(weight, form, options.importance);
    const blocks = Math.ceil(cols / blockSize);
    this.builder.addExternal(`${name}.weight`, 'uint8', [weight.rows, blocks, (blockSize * bits) / 8], blob);
    this.builder.addExternal(`${name}.scales`, 'float32', [weight.rows * blocks], scales);
    const input = form.kind === 'int4min' ? this.#withBlockSums(x, weight.cols) : x;
    this.contrib(
      'MatMulNBits',
      [input, `${name}.weight`, `${name}.scales`, ...(bias ? ['', '', bias] : [])],
      name,
      // Level 4 = int8 activations: the only level whose kernels read 4- and 8-bit weights directly.
      { K: cols, N: weight.rows, bits, block_size: blockSize, accuracy_level: 4 },
    );
    return { blob, scales };
  }

  /** codes u8 [n, cols] times weight^T -> f32 [n, rows] named `name`, still to be multiplied by the tokens' scales. The weight is named after `stem`. */
  async multiplyCodes(name: string, codes: string, weight: MatrixSource, stem = name): Promise<PlacedWeight> {
    const { rows, cols } = weight;
    const scales = new Float32Array(rows);
    // The kernels want [cols, rows], so nothing can be written before the last row is read.
    const packed = new Int8Array(rows * cols);
    let at = 0;
    for (const part of weight.parts ?? [weight]) {
      for (let row = 0; row < part.rows; row += ROWS_AT_ONCE) {
        const count = Math.min(ROWS_AT_ONCE, part.rows - row);
        packChannels(await part.values(row, count), cols, packed, scales, at);
        at += count;
        this.#onBytes(count * cols);
      }
    }
    const placed = { blob: await this.data.write(packed), scales: await this.data.write(scales) };
    this.builder.addExternal(`${stem}.weight`, 'int8', [cols, rows], placed.blob);
    this.builder.addExternal(`${stem}.scales`, 'float32', [rows], placed.scales);
    this.tokens.multiply(name, codes, `${stem}.weight`, `${stem}.scales`);
    return placed;
  }

  /** Writes a weight in block form without a node that uses it. `cols` counts the correction columns. */
  async store(
    weight: MatrixSource,
    form: BlockForm,
    importance?: Float32Array,
  ): Promise<{ blob: ExternalBlob; scales: ExternalBlob; bits: 4 | 8; blockSize: number; cols: number }> {
    const bits = form.kind === 'int8' ? 8 : 4;
    const blockSize = form.kind === 'int4min' ? 32 : form.blockSize;
    const cols = form.kind === 'int4min' ? weight.cols + minimumColumns(weight.cols) : weight.cols;
    const scales = new Float32Array(weight.rows * Math.ceil(cols / blockSize));
    const blob = await this.data.write(this.#packed(weight, form, scales, importance));
    return { blob, scales: await this.data.write(scales), bits, blockSize, cols };
  }

  /** Writes a weight as float32. */
  storeFloats(weight: MatrixSource): Promise<ExternalBlob> {
    return this.data.write(this.#values(weight));
  }

  async *#packed(
    weight: MatrixSource,
    form: BlockForm,
    scales: Float32Array,
    importance?: Float32Array,
  ): AsyncGenerator<Uint8Array> {
    let at = 0;
    for (const part of weight.parts ?? [weight]) {
      for (let row = 0; row < part.rows; row += ROWS_AT_ONCE) {
        const count = Math.min(ROWS_AT_ONCE, part.rows - row);
        const packed = await pack(part, row, count, form, importance);
        scales.set(packed.scales, at);
        at += packed.scales.length;
        this.#onBytes(count * part.cols);
        yield packed.q;
      }
    }
  }

  async *#values(weight: MatrixSource): AsyncGenerator<Float32Array> {
    for (let row = 0; row < weight.rows; row += ROWS_AT_ONCE) {
      const count = Math.min(ROWS_AT_ONCE, weight.rows - row);
      yield await weight.values(row, count);
      this.#onBytes(count * weight.cols);
    }
  }

  /** x [n, cols] -> [n, cols + correction columns]: x, the sums of its blocks of 32, and a fraction of each sum. */
  #withBlockSums(x: string, cols: number): string {
    const known = this.#corrected.get(x);
    if (known) return known;
    const cubes = this.node('Reshape', [x, this.ints([0, cols / 32, 32])], `${x}.cubes`);
    const sums = this.node('ReduceSum', [cubes, this.ints([2])], `${x}.sums`, { keepdims: 0 });
    const fine = this.node('Mul', [sums, this.float(FINE)], `${x}.fine_sums`);
    const corrected = this.node('Concat', [x, sums, fine], `${x}.corrected`, { axis: 1 });
    this.#corrected.set(x, corrected);
    return corrected;
  }
}

async function pack(
  source: MatrixSource,
  row: number,
  count: number,
  form: BlockForm,
  importance?: Float32Array,
): Promise<Packed> {
  const { cols } = source;
  if (form.kind === 'int4min') {
    return packMinima(decodeQ4K(await source.raw(row, count), count * cols), cols, count);
  }
  const bits = form.kind === 'int8' ? 8 : 4;
  return packRows(await source.values(row, count), cols, bits, form.blockSize, importance);
}
