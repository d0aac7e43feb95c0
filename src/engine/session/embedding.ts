/** Embeddings of tokens, read row by row from the model's file: the table is hundreds of megabytes, a prompt needs a few. */
import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { MoebiusError } from '../../base/errors.ts';
import type { EmbeddingTable } from '../../models/manifest.ts';

/** Rows kept in memory, the most recently used; 4 MB at 1,024 numbers a row. */
const CACHED_ROWS = 1024;

export class Embedding {
  readonly #table: EmbeddingTable;
  readonly #hidden: number;
  readonly #file: number;
  readonly #rows = new Map<number, Float32Array>();

  constructor(folder: string, table: EmbeddingTable, hidden: number) {
    this.#table = table;
    this.#hidden = hidden;
    this.#file = openSync(join(folder, table.file), 'r');
  }

  /** Embeddings of `tokens`, f32 [tokens, hidden]. */
  rows(tokens: ArrayLike<number>): Float32Array {
    const out = new Float32Array(tokens.length * this.#hidden);
    for (let i = 0; i < tokens.length; i++) out.set(this.row(tokens[i]!), i * this.#hidden);
    return out;
  }

  close(): void {
    closeSync(this.#file);
  }

  /** Embedding of one token, f32 [hidden]; not to be written to. */
  row(token: number): Float32Array {
    let row = this.#rows.get(token);
    if (row) this.#rows.delete(token);
    else
      row =
        this.#table.kind === 'f32'
          ? this.#readFloats(token, this.#table)
          : this.#readBlocks(token, this.#table);
    this.#rows.set(token, row);
    if (this.#rows.size > CACHED_ROWS) this.#rows.delete(this.#rows.keys().next().value!);
    return row;
  }

  #readFloats(token: number, table: Extract<EmbeddingTable, { kind: 'f32' }>): Float32Array {
    const row = new Float32Array(this.#hidden);
    this.#read(row, table.offset + token * row.byteLength);
    return row;
  }

  /** MatMulNBits layout: value = (q - 2^(bits-1)) * scale of its block, low nibble first. */
  #readBlocks(token: number, table: Extract<EmbeddingTable, { kind: 'blocks' }>): Float32Array {
    const { bits, blockSize, offset, scalesOffset } = table;
    const blocks = Math.ceil(this.#hidden / blockSize);
    const packed = new Uint8Array((blocks * blockSize * bits) / 8);
    const scales = new Float32Array(blocks);
    this.#read(packed, offset + token * packed.byteLength);
    this.#read(scales, scalesOffset + token * scales.byteLength);

    const row = new Float32Array(this.#hidden);
    const zero = 2 ** (bits - 1);
    for (let i = 0; i < row.length; i++) {
      const q = bits === 8 ? packed[i]! : (packed[i >> 1]! >> (4 * (i & 1))) & 15;
      row[i] = (q - zero) * scales[Math.floor(i / blockSize)]!;
    }
    return row;
  }

  #read(into: Uint8Array | Float32Array, position: number): void {
    const bytes = new Uint8Array(into.buffer, into.byteOffset, into.byteLength);
    const read = readSync(this.#file, bytes, 0, bytes.length, position);
    if (read !== bytes.length) {
      throw new MoebiusError(
        'model-invalid',
        `${this.#table.file} ends before byte ${position + bytes.length}, where an embedding is stored. Convert the model again.`,
      );
    }
  }
}
