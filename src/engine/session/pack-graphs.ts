/** Makes the packed form of a model's graphs (models/packed.ts says what for), and sees that it computes the same. In the worker. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MoebiusError } from '../../base/errors.ts';
import { alignPacked } from '../../formats/onnx-packed.ts';
import { PACKED_GRAPHS } from '../../models/packed.ts';
import { GraphSession } from './graph-session.ts';
import { ModelRunner } from './model-runner.ts';
import { throwIfStopped } from './stop-flag.ts';
import type { LoadArgs, PackArgs } from './wire.ts';

/** Ids of any tokens: a prompt of several rows, then one row, because these take different kernels. */
const PROMPT = [11, 222, 1111, 2222, 33, 44, 5, 6, 7];

/** Throws `cancelled` some seconds after `stop` is set, `internal` if the packed graphs compute something else. */
export async function packGraphs({ outFolder, stop, ...load }: PackArgs): Promise<void> {
  for (const name of PACKED_GRAPHS) {
    throwIfStopped(stop);
    const { onnx } = load.manifest.graphs[name];
    const saved = {
      onnx: join(outFolder, `${name}.saved.onnx`),
      data: join(outFolder, `${name}.saved.data`),
    };
    await GraphSession.savePacked(join(load.folder, onnx), saved, load.threads);
    throwIfStopped(stop);
    await alignPacked(saved, {
      onnx: join(outFolder, `${name}.onnx`),
      data: join(outFolder, `${name}.data`),
    });
    for (const file of [saved.onnx, saved.data]) await rm(file, { force: true });
  }
  throwIfStopped(stop);
  const plain = await logitsOf({ ...load, packed: null });
  throwIfStopped(stop);
  const packed = await logitsOf({ ...load, packed: outFolder });
  if (!plain.every((value, i) => value === packed[i])) {
    throw new MoebiusError('internal', 'The packed weights compute something else than the plain ones.');
  }
}

async function logitsOf(load: LoadArgs): Promise<Float32Array> {
  const runner = await ModelRunner.load(load, () => undefined);
  try {
    const rest = { sequence: 1, experts: null, logitRows: 1, draftAbove: null };
    const first = await runner.forward({ ...rest, at: 0, tokens: PROMPT });
    const second = await runner.forward({ ...rest, at: PROMPT.length, tokens: PROMPT.slice(0, 1) });
    return Float32Array.from([...first.logits!, ...second.logits!]);
  } finally {
    await runner.release();
  }
}
