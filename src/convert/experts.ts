/** The feed-forward weights of a layer in the form that graph/moe-block.ts takes: whole, as trained, or cut as the carving says. */
import { MoebiusError } from '../base/errors.ts';
import type { Decoder, DenseFeedForward, Expert } from './architectures/decoder.ts';
import type { CarvedLayer, Carving } from './carving.ts';
import { withDelta } from './deltas.ts';
import type { ExpertWeights } from './graph/moe-block.ts';
import { concatFloats, memoryMatrix, pickColumns, pickRows, stacked } from './weights.ts';

/** The dense feed-forward block of a layer. Throws `unsupported` for a layer that has experts of its own. */
export async function denseFeedForward(model: Decoder, layer: number): Promise<DenseFeedForward> {
  const { feedForward } = await model.layer(layer);
  if (feedForward.kind === 'dense') return feedForward;
  throw new MoebiusError(
    'unsupported',
    `${model.architecture} has experts of its own: only dense models are carved.`,
  );
}

/** A unit as it was published. */
export function publishedExpert({ gate, up, down, biases, clamped }: Expert): ExpertWeights {
  return {
    gateUp: stacked([gate, up]),
    down,
    biases: biases && { gateUp: concatFloats([biases.gate, biases.up]), down: biases.down },
    clamped,
  };
}

/** All neurons in their published order: the experts together, as one. */
export function allExperts(unit: DenseFeedForward, carved: CarvedLayer | undefined): ExpertWeights {
  return {
    ...publishedExpert(unit),
    importance: carved && {
      gateUp: carved.importance.feedForwardIn,
      down: carved.importance.feedForwardMid,
    },
  };
}

/** Shared expert, null where it has no neurons, and routed experts of one layer, with what was trained of it; holds that layer in memory as float32. */
export async function splitExperts(
  unit: DenseFeedForward,
  carved: CarvedLayer,
  carving: Carving,
): Promise<{ shared: ExpertWeights | null; routed: ExpertWeights[] }> {
  const [feedForward, hidden] = [unit.gate.rows, unit.gate.cols];
  const { deltas } = carved;
  const gate = withDelta(await unit.gate.values(0, feedForward), deltas?.gate);
  const up = withDelta(await unit.up.values(0, feedForward), deltas?.up);
  const down = withDelta(await unit.down.values(0, hidden), deltas?.down);
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
    shared: sharedNeurons > 0 ? expert(0, sharedNeurons) : null,
    routed: Array.from({ length: routed }, (_, e) =>
      expert(sharedNeurons + e * routedNeurons, sharedNeurons + (e + 1) * routedNeurons),
    ),
  };
}
