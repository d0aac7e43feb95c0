/** Makes the packed form of a model's graphs (models/packed.ts says what for), and sees that it computes the same. In the worker. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { Tensor } from 'onnxruntime-node';
import { MoebiusError } from '../../base/errors.ts';
import { type PackedGraph, PackedWriter, writeParts } from '../../formats/onnx-packed.ts';
import { PACKED_GRAPHS } from '../../models/packed.ts';
import { GraphSession } from './graph-session.ts';
import { throwIfStopped } from './stop-flag.ts';
import type { PackArgs } from './wire.ts';

/** Plain weights packed at a time. They are in memory in both forms, so this bounds it, however large the model is. */
const PART_BYTES = 192 * 1024 * 1024;
/** Of the inputs that both forms are compared on: several rows take other kernels than one. */
const ROWS = [9, 1];

/** Throws `cancelled` some seconds after `stop` is set, `internal` if the packed weights compute something else. */
export async function packGraphs({ outFolder, stop, folder, manifest, threads }: PackArgs): Promise<void> {
  const parts = join(outFolder, 'parts');
  for (const name of PACKED_GRAPHS) {
    const { onnx, data } = manifest.graphs[name];
    const plain = { onnx: join(folder, onnx), data: join(folder, data) };
    const packed = { onnx: join(outFolder, `${name}.onnx`), data: join(outFolder, `${name}.data`) };
    const expected = await pack(plain, packed, parts, threads, stop);
    for await (const part of writeParts(packed, parts, PART_BYTES)) {
      throwIfStopped(stop);
      const computed = await outputsOf(await GraphSession.open(part, threads));
      if (computed !== expected.shift()) {
        throw new MoebiusError('internal', 'The packed weights compute something else than the plain ones.');
      }
    }
  }
}

/** Writes `packed`; hashes of what each part of the plain graph computes. */
async function pack(
  plain: PackedGraph,
  packed: PackedGraph,
  parts: string,
  threads: number,
  stop: PackArgs['stop'],
): Promise<string[]> {
  const saved = { onnx: join(parts, 'saved.onnx'), data: join(parts, 'saved.data') };
  const computed: string[] = [];
  const writer = await PackedWriter.create(plain, packed);
  try {
    for await (const part of writeParts(plain, parts, PART_BYTES)) {
      throwIfStopped(stop);
      computed.push(await outputsOf(await GraphSession.savePacked(part, saved, threads)));
      await writer.add(saved);
    }
    await writer.close();
    return computed;
  } catch (error) {
    await writer.discard();
    throw error;
  }
}

/** Hash of what a graph of products computes of inputs that are always the same. Releases the session. */
async function outputsOf(session: GraphSession): Promise<string> {
  const hash = createHash('sha256');
  for (const rows of ROWS) {
    const feeds: Record<string, Tensor> = {};
    for (const { name, type, shape } of session.inputs) {
      const width = shape[1] as number;
      const length = rows * width;
      const wave = (i: number) => Math.sin(i * 0.7 + rows);
      feeds[name] =
        type === 'uint8'
          ? new Tensor(
              'uint8',
              Uint8Array.from({ length }, (_, i) => 128 + 127 * wave(i)),
              [rows, width],
            )
          : new Tensor(
              'float32',
              Float32Array.from({ length }, (_, i) => wave(i)),
              [rows, width],
            );
    }
    const outputs = await session.run(feeds);
    for (const name of Object.keys(outputs).sort()) {
      const { buffer, byteOffset, byteLength } = outputs[name]!.data as Float32Array;
      hash.update(new Uint8Array(buffer, byteOffset, byteLength));
    }
  }
  await session.release();
  return hash.digest('hex');
}
