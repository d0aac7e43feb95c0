/** Gated short convolution (see ShortConvolution). Its last inputs are cached as attention caches keys: as rows. */
import type { ShortConvolution } from '../architectures/decoder.ts';
import { addPast } from './attention.ts';
import type { GraphWriter, WeightForm } from './linear.ts';

const TO_THE_END = 2 ** 31 - 1;

/**
 * x [n, hidden] -> [n, hidden], to be multiplied with `weights.output`. Defines the input past_conv.{layer} [taps - 1,
 * hidden], the rows just before (zeros before the first), and the output new_conv.{layer} [n, hidden].
 */
export async function convolution(
  graph: GraphWriter,
  layer: number,
  hidden: number,
  weights: ShortConvolution,
  x: string,
  form: WeightForm,
): Promise<string> {
  const p = `conv.${layer}`;
  const { taps, input, inputBias, kernel, kernelBias } = weights;
  await graph.linear(`${p}.in`, x, input, form, inputBias ? { bias: inputBias } : {});
  graph.builder.addNode('Split', [`${p}.in`], [`${p}.b`, `${p}.c`, `${p}.x`], { axis: 1, num_outputs: 3 });
  const fresh = graph.node('Mul', [`${p}.b`, `${p}.x`], `new_conv.${layer}`);
  const past = addPast(graph, 'conv', layer, taps - 1, [hidden]);
  const rows = graph.node('Concat', [past, fresh], `${p}.rows`, { axis: 0 });
  let sum: string | null = null;
  for (let tap = 0; tap < taps; tap++) {
    // Row i of the result sees rows i .. i + taps - 1 of the concatenation.
    const end = tap === taps - 1 ? TO_THE_END : tap - (taps - 1);
    const bounds = [graph.ints([tap]), graph.ints([end]), graph.ints([0])];
    const seen = graph.node('Slice', [rows, ...bounds], `${p}.seen.${tap}`);
    const weight = Float32Array.from({ length: hidden }, (_, channel) => kernel[channel * taps + tap]!);
    const tapWeight = await graph.floats(`${p}.kernel.${tap}`, [hidden], weight);
    const part = graph.node('Mul', [seen, tapWeight], `${p}.part.${tap}`);
    sum = sum === null ? part : graph.node('Add', [sum, part], `${p}.sum.${tap}`);
  }
  if (kernelBias) {
    const bias = await graph.floats(`${p}.kernel.bias`, [hidden], kernelBias);
    sum = graph.node('Add', [sum!, bias], `${p}.biased`);
  }
  return graph.node('Mul', [`${p}.c`, sum!], `${p}.out`);
}
