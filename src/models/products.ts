/** In which products a graph's 8-bit weights are multiplied. The graph itself says it, whoever wrote its manifest. */
import { readFile } from 'node:fs/promises';
import { BLOCK_PRODUCT } from '../formats/onnx-packed.ts';
import { TOKEN_PRODUCT } from '../formats/token-product.ts';
import type { EightBitProducts, Manifest } from './manifest.ts';

/** Operators are text in the file, and weights lie in another: names are all that there is to find. */
export async function productsOf(graph: string): Promise<EightBitProducts> {
  const bytes = await readFile(graph);
  if (!bytes.includes(TOKEN_PRODUCT)) return 'blocks';
  return bytes.includes(BLOCK_PRODUCT) ? 'mixed' : 'codes';
}

/** Whether rows after a run's first cost next to nothing: products of codes, and no experts that a row meets alone. */
export const hasCheapRows = ({ products, experts }: Pick<Manifest, 'products' | 'experts'>): boolean =>
  products === 'codes' && experts?.kind !== 'trained';
