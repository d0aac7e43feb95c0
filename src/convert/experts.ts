/** Experts of a layer cut out of a dense feed-forward layer, as the carving says. */

import type { DenseModel } from './architectures/qwen2.ts';
import type { CarvedLayer, Carving } from './carving.ts';
import type { ExpertWeights } from './graph/moe-block.ts';
import { memoryMatrix, pickColumns, pickRows, stacked } from './weights.ts';

/** All neurons in their published order: the experts together, as one. */
export function allExperts(model: DenseModel, layer: number, carved: CarvedLayer | undefined): ExpertWeights {
  return {
    gateUp: stacked([model.gate(layer), model.up(layer)]),
    down: model.down(layer),
    importance: carved && {
      gateUp: carved.importance.feedForwardIn,
      down: carved.importance.feedForwardMid,
    },
  };
}

/** Shared expert and routed experts of one layer; holds that layer in memory as float32. */
export async function splitExperts(
  model: DenseModel,
  layer: number,
  carving: Carving,
): Promise<{ shared: ExpertWeights; routed: ExpertWeights[] }> {
  const carved = carving.layers[layer]!;
  const { hidden, feedForward } = model.dims;
  const gate = await model.gate(layer).values(0, feedForward);
  const up = await model.up(layer).values(0, feedForward);
  const down = await model.down(layer).values(0, hidden);
  const expert = (from: number, to: number): ExpertWeights => {
    const neurons = carved.order.subarray(from, to);
    const gateRows = memoryMatrix(pickRows(gate, hidden, neurons), hidden);
    const upRows = memoryMatrix(pickRows(up, hidden, neurons), hidden);
    return {
      gateUp: stacked([gateRows, upRows]),
      down: memoryMatrix(pickColumns(down, feedForward, neurons), neurons.length),
      importance: {
        gateUp: carved.importance.feedForwardIn,
        down: Float32Array.from(neurons, neuron => carved.importance.feedForwardMid[neuron]!),
      },
    };
  };
  const { sharedNeurons, routed, routedNeurons } = carving;
  return {
    shared: expert(0, sharedNeurons),
    routed: Array.from({ length: routed }, (_, e) =>
      expert(sharedNeurons + e * routedNeurons, sharedNeurons + (e + 1) * routedNeurons),
    ),
  };
}
