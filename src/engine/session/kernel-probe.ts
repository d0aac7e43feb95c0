/**
 * How fast this machine's kernels are: graphs of nothing but the products that models are made of, timed. Lives in the
 * worker. What the weights are makes no difference to the time, so they are noise.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tensor } from 'onnxruntime-node';
import { ExternalDataWriter, OnnxBuilder } from '../../formats/onnx.ts';
import { TokenProducts } from '../../formats/token-product.ts';
import type { FormSpeed } from '../../models/machine.ts';
import { GraphSession } from './graph-session.ts';
import { throwIfStopped } from './stop-flag.ts';
import { areTokenProductsExact } from './token-product-check.ts';
import type { KernelSpeed, ProbeArgs, ProbedForm, StopFlag } from './wire.ts';

/** Rows and columns of each matrix: a layer's usual size. */
const SIZE = 2048;
/** Products in a row. Together they are about 200 MB in the kernels' own layout, more than caches hold. */
const CHAIN: Record<ProbedForm, { bits: 4 | 8; blockSize: number; length: number }> = {
  int4: { bits: 4, blockSize: 32, length: 64 },
  int8: { bits: 8, blockSize: 128, length: 44 },
  w8a8: { bits: 8, blockSize: SIZE, length: 44 },
};
/**
 * Each weight begins this much after the one before and overlaps it, so that a few megabytes on disk are 200 in memory.
 * Weights of the same content would be packed once for all, and then lie in a cache.
 */
const STRIDE_BYTES = 4096;
const READ_ROWS = 128;
/** Small operators in a row; each works on one token's hidden state. */
const OPERATORS = 256;

/** Runs of each kind: the quickest counts, because what else the machine does only slows. */
const RUNS = { write: 8, read: 2, operators: 20 };
const FOLDER = 'moebius-probe-';
/** Far longer than a probe takes. */
const LEFT_MS = 3_600_000;
const PRODUCER = { name: 'moebius', version: '1' };

/** null where this processor computes the form wrongly. Throws `cancelled` soon after `stop` is set. */
export async function probeKernel({ form, threads, stop }: ProbeArgs): Promise<KernelSpeed | null> {
  throwIfStopped(stop);
  if (form === 'w8a8' && !(await areTokenProductsExact())) return null;
  await removeLeft(tmpdir());
  const folder = await mkdtemp(join(tmpdir(), FOLDER));
  try {
    const chain = await openChain(folder, form, threads);
    const operators = await openOperators(folder, threads);
    try {
      const speed = await timeChain(chain, { form, threads, stop });
      return {
        ...speed,
        operatorSeconds: (await quickest(operators, 1, RUNS.operators, stop)).seconds / OPERATORS,
      };
    } finally {
      for (const session of [chain, operators]) await session.release();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The folders in `parent` that processes left which were ended in the midst of a probe, as far as they can be removed. */
export async function removeLeft(parent: string): Promise<void> {
  const names = (await readdir(parent).catch(() => [])).filter(name => name.startsWith(FOLDER));
  for (const folder of names.map(name => join(parent, name))) {
    const age = Date.now() - ((await stat(folder).catch(() => null))?.mtimeMs ?? Date.now());
    if (age > LEFT_MS) await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** x [n, SIZE] -> [n, SIZE] through CHAIN[form].length products. */
async function openChain(folder: string, form: ProbedForm, threads: number): Promise<GraphSession> {
  const { bits, blockSize, length } = CHAIN[form];
  const blocks = SIZE / blockSize;
  const data = await ExternalDataWriter.create(join(folder, `${form}.data`));
  const weightBytes = (SIZE * SIZE * bits) / 8;
  const noise = await data.write(randomBytes(weightBytes + length * STRIDE_BYTES));
  const scales = await data.write(new Float32Array(SIZE * blocks).fill(1e-3));
  await data.close();
  const graph = new OnnxBuilder(form, PRODUCER);
  const tokens = new TokenProducts(graph);
  let x = graph.addInput('x', 'float32', ['n', SIZE]);
  for (let i = 0; i < length; i++) {
    const blob = { ...noise, offset: noise.offset + i * STRIDE_BYTES, length: weightBytes };
    if (form === 'w8a8') {
      const weight = graph.addExternal(`weight.${i}`, 'int8', [SIZE, SIZE], blob);
      const channels = graph.addExternal(`scales.${i}`, 'float32', [SIZE], scales);
      const { codes, scales: rows } = tokens.quantise(x);
      const product = tokens.multiply(`product.${i}`, codes, weight, channels);
      x = graph.addNode('Mul', [product, rows], [`y.${i}`]);
      continue;
    }
    const inputs = [
      x,
      graph.addExternal(`weight.${i}`, 'uint8', [SIZE, blocks, (blockSize * bits) / 8], blob),
      graph.addExternal(`scales.${i}`, 'float32', [SIZE * blocks], scales),
    ];
    const attributes = { K: SIZE, N: SIZE, bits, block_size: blockSize, accuracy_level: 4 };
    x = graph.addNode('MatMulNBits', inputs, [`y.${i}`], attributes, 'com.microsoft');
  }
  graph.addOutput(x, 'float32', ['n', SIZE]);
  await graph.write(join(folder, `${form}.onnx`));
  return GraphSession.open(join(folder, `${form}.onnx`), threads);
}

async function openOperators(folder: string, threads: number): Promise<GraphSession> {
  const graph = new OnnxBuilder('operators', PRODUCER);
  const input = graph.addInput('x', 'float32', ['n', SIZE]);
  let x = input;
  for (let i = 0; i < OPERATORS; i++) x = graph.addNode('Add', [x, input], [`y.${i}`]);
  graph.addOutput(x, 'float32', ['n', SIZE]);
  await graph.write(join(folder, 'operators.onnx'));
  return GraphSession.open(join(folder, 'operators.onnx'), threads);
}

async function timeChain(
  chain: GraphSession,
  { form, threads, stop }: ProbeArgs,
): Promise<FormSpeed & { share: number }> {
  const weights = SIZE * SIZE * CHAIN[form].length;
  const write = await quickest(chain, 1, RUNS.write, stop);
  const read = await quickest(chain, READ_ROWS, RUNS.read, stop);
  return {
    write: weights / write.seconds,
    read: (weights * READ_ROWS) / read.seconds,
    share: Math.min(1, read.cpuSeconds / (read.seconds * threads)),
  };
}

/** The quickest of `runs` runs with `rows` rows, after one that pays what only the first does. */
async function quickest(
  session: GraphSession,
  rows: number,
  runs: number,
  stop: StopFlag,
): Promise<{ seconds: number; cpuSeconds: number }> {
  const x = new Tensor('float32', new Float32Array(rows * SIZE), [rows, SIZE]);
  await session.run({ x });
  let best = { seconds: Number.POSITIVE_INFINITY, cpuSeconds: 0 };
  for (let i = 0; i < runs; i++) {
    throwIfStopped(stop);
    const cpu = process.cpuUsage();
    const began = performance.now();
    await session.run({ x });
    const seconds = (performance.now() - began) / 1e3;
    const { user, system } = process.cpuUsage(cpu);
    if (seconds < best.seconds) best = { seconds, cpuSeconds: (user + system) / 1e6 };
  }
  return best;
}
