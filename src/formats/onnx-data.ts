/** The big side of an ONNX model: one file of raw tensors, each at a page-aligned offset so that it can be memory-mapped. */
import { createHash } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { basename } from 'node:path';

/** A page on every platform onnxruntime maps files on; it copies weights that are not aligned to one. */
const ALIGNMENT = 4096;
/** What a blob of so many bytes takes in the file. */
export const alignedBytes = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/** Where a tensor lies; `location` is relative to the graph's folder. */
export interface ExternalBlob {
  location: string;
  offset: number;
  length: number;
}

/**
 * Appends blobs to a `.data` file, hashing what it writes. One blob at a time.
 * `close` must be called when all is written, `discard` when it failed.
 */
export class ExternalDataWriter {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #hash = createHash('sha256');
  #size = 0;

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  static async create(path: string): Promise<ExternalDataWriter> {
    return new ExternalDataWriter(path, await open(path, 'w'));
  }

  /** Writes one blob, given whole or in pieces. The pieces may be reused by the caller once the next one is asked for. */
  async write(
    pieces: ArrayBufferView | AsyncIterable<ArrayBufferView> | Iterable<ArrayBufferView>,
  ): Promise<ExternalBlob> {
    await this.#append(Buffer.alloc(alignedBytes(this.#size) - this.#size));
    const offset = this.#size;
    if (ArrayBuffer.isView(pieces)) await this.#append(pieces);
    else for await (const piece of pieces) await this.#append(piece);
    return { location: basename(this.#path), offset, length: this.#size - offset };
  }

  /** Flushes to disk and gives the whole file's size and hash. */
  async close(): Promise<{ sha256: string; sizeBytes: number }> {
    await this.#file.sync();
    await this.#file.close();
    return { sha256: this.#hash.digest('hex'), sizeBytes: this.#size };
  }

  /** Closes and removes the file. */
  async discard(): Promise<void> {
    await this.#file.close().catch(() => undefined);
    await rm(this.#path, { force: true });
  }

  async #append(piece: ArrayBufferView): Promise<void> {
    const bytes = new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength);
    let done = 0;
    while (done < bytes.length) {
      const { bytesWritten } = await this.#file.write(bytes, done, bytes.length - done, this.#size + done);
      done += bytesWritten;
    }
    this.#hash.update(bytes);
    this.#size += bytes.length;
  }
}
