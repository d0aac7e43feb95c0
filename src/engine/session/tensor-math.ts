/** Plain matrix products on onnxruntime, for calibration: three graphs of one Gemm each, with sizes open. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tensor } from 'onnxruntime-node';
import { OnnxBuilder } from '../../formats/onnx.ts';
import { GraphSession } from './graph-session.ts';

/** Row-major float32 [rows, columns]. */
interface Matrix {
  rows: number;
  columns: number;
  values: Float32Array;
}

export class OnnxTensorMath {
  readonly #plain: GraphSession;
  readonly #rightTransposed: GraphSession;
  readonly #leftTransposed: GraphSession;

  private constructor(plain: GraphSession, rightTransposed: GraphSession, leftTransposed: GraphSession) {
    this.#plain = plain;
    this.#rightTransposed = rightTransposed;
    this.#leftTransposed = leftTransposed;
  }

  static async create(threads: number): Promise<OnnxTensorMath> {
    const folder = await mkdtemp(join(tmpdir(), 'moebius-math-'));
    const open = (transA: 0 | 1, transB: 0 | 1) => openGemm(folder, transA, transB, threads);
    try {
      return new OnnxTensorMath(await open(0, 0), await open(0, 1), await open(1, 0));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** a [m, k] @ b [k, n] -> [m, n] */
  times(a: Matrix, b: Matrix): Promise<Matrix> {
    return multiply(this.#plain, a, b, a.rows, b.columns);
  }

  /** a [m, k] @ b [n, k] transposed -> [m, n] */
  timesTransposed(a: Matrix, b: Matrix): Promise<Matrix> {
    return multiply(this.#rightTransposed, a, b, a.rows, b.rows);
  }

  /** a [k, m] transposed @ b [k, n] -> [m, n] */
  transposedTimes(a: Matrix, b: Matrix): Promise<Matrix> {
    return multiply(this.#leftTransposed, a, b, a.columns, b.columns);
  }

  async dispose(): Promise<void> {
    for (const session of [this.#plain, this.#rightTransposed, this.#leftTransposed]) await session.release();
  }
}

async function openGemm(
  folder: string,
  transA: 0 | 1,
  transB: 0 | 1,
  threads: number,
): Promise<GraphSession> {
  const path = join(folder, `gemm-${transA}${transB}.onnx`);
  const graph = new OnnxBuilder('gemm', { name: 'moebius', version: '0.1.0' });
  graph.addInput('a', 'float32', ['a0', 'a1']);
  graph.addInput('b', 'float32', ['b0', 'b1']);
  graph.addNode('Gemm', ['a', 'b'], ['product'], { transA, transB });
  graph.addOutput('product', 'float32', ['p0', 'p1']);
  await graph.write(path);
  return GraphSession.open(path, threads);
}

async function multiply(
  session: GraphSession,
  a: Matrix,
  b: Matrix,
  rows: number,
  columns: number,
): Promise<Matrix> {
  const tensor = ({ values, rows, columns }: Matrix) => new Tensor('float32', values, [rows, columns]);
  const { product } = await session.run({ a: tensor(a), b: tensor(b) });
  return { rows, columns, values: product!.data as Float32Array };
}
