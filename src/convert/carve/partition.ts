/** Which neurons are always on, and which share a routed expert. */
import { pickRows } from '../weights.ts';
import { balancedKMeans } from './k-means.ts';
import { type Matrix, matrix, type TensorMath } from './tensor-math.ts';

export interface ExpertSizes {
  sharedNeurons: number;
  routed: number;
  routedNeurons: number;
}

/**
 * Order of the layer's neurons [feedForward]: the `sharedNeurons` of largest `influence` first, then the routed experts.
 * Neurons whose gate rows point the same way are on together, so they share an expert. Inside an expert neurons keep
 * their published order.
 */
export async function partition(
  math: TensorMath,
  gate: Matrix,
  influence: Float64Array,
  sizes: ExpertSizes,
  seed: number,
): Promise<Uint16Array> {
  const byInfluence = Array.from(influence.keys()).sort((a, b) => influence[b]! - influence[a]! || a - b);
  const ascending = (a: number, b: number) => a - b;
  const shared = byInfluence.slice(0, sizes.sharedNeurons).sort(ascending);
  const rest = byInfluence.slice(sizes.sharedNeurons).sort(ascending);
  const directions = matrix(rest.length, gate.columns, pickRows(gate.values, gate.columns, rest));
  const expert = await balancedKMeans(math, directions, sizes.routed, seed);
  const members = Array.from({ length: sizes.routed }, (): number[] => []);
  rest.forEach((neuron, index) => {
    members[expert[index]!]!.push(neuron);
  });
  return Uint16Array.from([...shared, ...members.flat()]);
}
