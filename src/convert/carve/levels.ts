/** How many routed experts each level uses, from the part of the neurons that is to be active. */
import type { ExpertLayout, ExpertsPerToken, LevelPlan } from '../../models/manifest.ts';
import type { ExpertSizes } from './partition.ts';

/** Chosen by measurement, see docs/moe.md. null = all experts. */
const PLANS = {
  exact: { read: null, write: null, exactTail: 0, exactHead: 0 },
  balanced: { read: 0.6, write: null, exactTail: 256, exactHead: 4 },
  fast: { read: 0.46, write: null, exactTail: 256, exactHead: 4 },
  frugal: { read: 0.36, write: 0.75, exactTail: 64, exactHead: 4 },
} as const;

/** Routed experts with which about this part of the neurons is active, the shared expert's among them; one at least. */
export function expertsAt(active: number, { sharedNeurons, routed, routedNeurons }: ExpertSizes): number {
  const neurons = sharedNeurons + routed * routedNeurons;
  return Math.min(routed, Math.max(1, Math.round((active * neurons - sharedNeurons) / routedNeurons)));
}

/**
 * `k` experts on the mean of the layers, most of them in the first half: what late layers get wrong far from the end reaches
 * the answer through few keys and values (docs/moe.md).
 */
export function inFirstHalf(k: number, routed: number, layers: number): ExpertsPerToken {
  const late = Math.max(1, 2 * k - routed);
  const early = 2 * k - late;
  if (early === late) return k;
  return Array.from({ length: layers }, (_, layer) => (layer < layers / 2 ? early : late));
}

export function plannedLevels(sizes: ExpertSizes, layers: number): ExpertLayout['levels'] {
  const experts = (active: number | null) => (active === null ? null : expertsAt(active, sizes));
  // That few experts are enough for late layers is measured with a shared one beside them.
  const byLayer = (k: number | null) =>
    k === null || sizes.sharedNeurons === 0 ? k : inFirstHalf(k, sizes.routed, layers);
  const plan = ({ read, write, exactTail, exactHead }: (typeof PLANS)[keyof typeof PLANS]): LevelPlan => ({
    readK: byLayer(experts(read)),
    writeK: experts(write),
    exactTail,
    exactHead,
  });
  return {
    exact: plan(PLANS.exact),
    balanced: plan(PLANS.balanced),
    fast: plan(PLANS.fast),
    frugal: plan(PLANS.frugal),
  };
}
