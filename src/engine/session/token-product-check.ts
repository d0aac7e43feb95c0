/**
 * Whether this processor multiplies 8-bit codes exactly. Without VNNI (x86) the kernels add two products in 16 bits, and large ones
 * are cut off there: what a model of such products wrote would be nonsense, so it is refused.
 */
import { readFile } from 'node:fs/promises';
import { Tensor } from 'onnxruntime-node';
import { MoebiusError } from '../../base/errors.ts';
import { OnnxBuilder } from '../../formats/onnx.ts';
import { LARGEST_CODE, TOKEN_PRODUCT, TokenProducts } from '../../formats/token-product.ts';
import { GraphSession } from './graph-session.ts';

/** A row of the largest codes and weights. */
const [COLS, ROWS] = [64, 16];
const HIGHEST = 255;

export async function areTokenProductsExact(): Promise<boolean> {
  const builder = new OnnxBuilder('check', { name: 'moebius', version: '1' });
  const codes = builder.addInput('codes', 'uint8', ['n', COLS]);
  const weight = builder.addInitializer(
    'weight',
    'int8',
    [COLS, ROWS],
    new Int8Array(COLS * ROWS).fill(LARGEST_CODE),
  );
  const scales = builder.addInitializer('scales', 'float32', [ROWS], new Float32Array(ROWS).fill(1));
  builder.addOutput(new TokenProducts(builder).multiply('out', codes, weight, scales), 'float32', [
    'n',
    ROWS,
  ]);
  const session = await GraphSession.ofBytes(builder.encode());
  try {
    const { out } = await session.run({
      codes: new Tensor('uint8', new Uint8Array(COLS).fill(HIGHEST), [1, COLS]),
    });
    return (out!.data as Float32Array).every(value => value === COLS * LARGEST_CODE * LARGEST_CODE);
  } finally {
    await session.release();
  }
}

/** Throws `unsupported` where the graph at `path` has such products and this processor would get them wrong. */
export async function requireExactProducts(path: string, areExact = areTokenProductsExact): Promise<void> {
  const graph = await readFile(path);
  if (!graph.includes(TOKEN_PRODUCT) || (await areExact())) return;
  throw new MoebiusError(
    'unsupported',
    'This processor cannot multiply 8-bit numbers exactly (it has no VNNI), so the 8-bit form of this model does not run here. ' +
      'Add its 4-bit form: `moebius model add <id> --variant int4`, and remove this one with `moebius model remove <id> --variant int8`.',
  );
}
