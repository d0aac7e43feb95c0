/** What a carving is worth, on text that it was not made from: how far each layer's output is off where experts are left out. */
import type { CarvedLayer, CarvingQuality } from '../carving.ts';
import type { FeedForwardTrace } from './feed-forward.ts';
import { expertsAt } from './levels.ts';
import type { ExpertSizes } from './partition.ts';
import { addToRows, type Matrix, matrix, rowNorms, rowOf, type TensorMath } from './tensor-math.ts';

/** Parts of the neurons that are active. */
const ACTIVE = [0.37, 0.5, 0.75];
const DIGITS = 1e4;

/** Collects the errors of all layers. Every layer is given what the dense ones before it computed, so errors do not add up. */
export class Trial {
  readonly #sizes: ExpertSizes;
  readonly #experts: readonly number[];
  /** Sum over tokens of |error| / |output|, by number of experts and layer. */
  readonly #sums: number[][];
  /** Of each layer. */
  readonly #tokens: number[] = [];

  constructor(sizes: ExpertSizes) {
    this.#sizes = sizes;
    this.#experts = [...new Set(ACTIVE.map(active => expertsAt(active, sizes)))];
    this.#sums = this.#experts.map(() => []);
  }

  /** Tries layer `index` on one sequence that went through it whole. */
  async add(
    math: TensorMath,
    index: number,
    { input, middle }: FeedForwardTrace,
    down: Matrix,
    layer: Pick<CarvedLayer, 'order' | 'router' | 'routerBias'>,
  ): Promise<void> {
    const { routed } = this.#sizes;
    const scores = await math.times(input, matrix(input.columns, routed, layer.router));
    addToRows(scores, layer.routerBias);
    const ranks = ranksOf(scores);
    const lengths = rowNorms(await math.timesTransposed(middle, down));
    const expertOf = this.#expertOfNeurons(layer.order);
    for (const [which, experts] of this.#experts.entries()) {
      const missed = matrix(middle.rows, middle.columns);
      for (let row = 0; row < middle.rows; row++) {
        const [from, to] = [rowOf(middle, row), rowOf(missed, row)];
        for (let neuron = 0; neuron < from.length; neuron++) {
          const expert = expertOf[neuron]!;
          if (expert >= 0 && ranks[row * routed + expert]! >= experts) to[neuron] = from[neuron]!;
        }
      }
      const errors = rowNorms(await math.timesTransposed(missed, down));
      const sum = errors.reduce((total, error, row) => total + error / Math.max(lengths[row]!, 1e-12), 0);
      this.#sums[which]![index] = (this.#sums[which]![index] ?? 0) + sum;
    }
    this.#tokens[index] = (this.#tokens[index] ?? 0) + middle.rows;
  }

  /** null where nothing was added. */
  quality(): CarvingQuality | null {
    const [tokens] = this.#tokens;
    if (!tokens) return null;
    const { sharedNeurons, routed, routedNeurons } = this.#sizes;
    const rounded = (value: number) => Math.round(value * DIGITS) / DIGITS;
    const errors = this.#experts.map((experts, which) => ({
      experts,
      active: rounded((sharedNeurons + experts * routedNeurons) / (sharedNeurons + routed * routedNeurons)),
      layers: this.#sums[which]!.map(sum => rounded(sum / tokens)),
    }));
    return { tokens, errors };
  }

  /** Expert of every neuron in its published place, -1 for the shared one. */
  #expertOfNeurons(order: Uint16Array): Int32Array {
    const { sharedNeurons, routedNeurons } = this.#sizes;
    const experts = new Int32Array(order.length).fill(-1);
    for (let place = sharedNeurons; place < order.length; place++)
      experts[order[place]!] = Math.floor((place - sharedNeurons) / routedNeurons);
    return experts;
  }
}

/** For each row the place of every column when the row is sorted, largest first [rows * columns]. */
function ranksOf(scores: Matrix): Uint16Array {
  const ranks = new Uint16Array(scores.rows * scores.columns);
  for (let row = 0; row < scores.rows; row++) {
    const values = rowOf(scores, row);
    const columns = Array.from(values.keys()).sort((a, b) => values[b]! - values[a]! || a - b);
    columns.forEach((column, rank) => {
      ranks[row * scores.columns + column] = rank;
    });
  }
  return ranks;
}
