/**
 * Graphs that onnxruntime saved with its packed weights. Version 1.30 writes each blob right behind the last, but its kernels
 * read them where they are mapped and want them aligned: as saved, a graph of more than one weight computes nonsense. Laid
 * again on page boundaries the bytes are right.
 */
import { type FileHandle, open, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { onnx } from 'onnx-proto';
import { MoebiusError } from '../base/errors.ts';
import { ExternalDataWriter } from './onnx-data.ts';

/** Key of the n-th packed form of a weight; its value is `<kernel>+<hash>|<offset>;<length>;<more>`. */
const PACKED_KEY = /^prepacked_\d+$/;
const PACKED_VALUE = /^([^|;]+)\|(\d+);(\d+);(.*)$/;
const PIECE_BYTES = 16 * 1024 * 1024;

export interface PackedGraph {
  onnx: string;
  data: string;
}

/**
 * Copies the saved graph at `from` to `to`, its weights page-aligned. Throws `format-invalid` if it is not as expected: that
 * of another version of the runtime, or with nothing packed.
 */
export async function alignPacked(from: PackedGraph, to: PackedGraph): Promise<void> {
  const model = onnx.ModelProto.decode(await readFile(from.onnx));
  const source = await open(from.data, 'r');
  const { size } = await source.stat();
  const writer = await ExternalDataWriter.create(to.data);
  const copy = (offset: number, length: number) => {
    if (offset + length > size) throw unexpected('a weight reaches outside its file');
    return writer.write(pieces(source, offset, length));
  };
  let packed = 0;
  try {
    for (const { externalData } of model.graph?.initializer ?? []) {
      for (const entry of externalData ?? []) {
        if (entry.key === 'location') entry.value = basename(to.data);
        if (entry.key === 'offset') {
          const length = Number(externalData!.find(other => other.key === 'length')?.value);
          entry.value = String((await copy(Number(entry.value), length)).offset);
        }
        if (!PACKED_KEY.test(entry.key ?? '')) continue;
        const [, name, offset, length, more] = PACKED_VALUE.exec(entry.value ?? '') ?? [];
        // One blob a weight; of more we have never seen how they are written.
        if (!name || more !== '0') throw unexpected(`a packed weight is described as ${entry.value}`);
        entry.value = `${name}|${(await copy(Number(offset), Number(length))).offset};${length};0`;
        packed++;
      }
    }
    if (packed === 0) throw unexpected('nothing in it is packed');
    await writer.close();
  } catch (error) {
    await writer.discard();
    throw error;
  } finally {
    await source.close();
  }
  await writeFile(to.onnx, onnx.ModelProto.encode(model).finish(), { flush: true });
}

/** Refuses (`format-invalid`) a graph whose packed weights lie outside their file; assertSafeOnnx looks at the rest. */
export async function assertSafePacked(path: string): Promise<void> {
  const model = onnx.ModelProto.decode(await readFile(path));
  for (const { externalData } of model.graph?.initializer ?? []) {
    for (const { key, value } of externalData ?? []) {
      if (!PACKED_KEY.test(key ?? '')) continue;
      const location = externalData!.find(entry => entry.key === 'location')?.value ?? '';
      const { size } = await stat(join(dirname(path), basename(location)));
      const [, , offset, length, more] = PACKED_VALUE.exec(value ?? '') ?? [];
      if (more !== '0' || Number(offset) + Number(length) > size)
        throw unexpected('a packed weight reaches outside its file');
    }
  }
}

async function* pieces(file: FileHandle, offset: number, length: number): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.alloc(Math.min(length, PIECE_BYTES));
  for (let done = 0; done < length; ) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, length - done), offset + done);
    if (bytesRead === 0) throw unexpected('its data file ended early');
    yield buffer.subarray(0, bytesRead);
    done += bytesRead;
  }
}

const unexpected = (problem: string): MoebiusError =>
  new MoebiusError('format-invalid', `The packed graph is not as expected: ${problem}.`);
