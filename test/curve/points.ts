/** The activation levels of the curve, and a model folder in which one of them can be asked for. */
import { linkSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { meanExperts } from '../../src/models/chat-level.ts';
import type { ExpertLayout, LevelPlan, Manifest } from '../../src/models/manifest.ts';
import { writeManifest } from '../../src/models/manifest-file.ts';
import type { ExpertLevel } from '../../src/protocol/daemon.ts';

export interface Point {
  /** A level of the product, or e.g. `11 of 19`: the experts that read. */
  name: string;
  plan: LevelPlan;
}

/** Shares of the routed experts beside what the model's own levels read with. */
const SHARES = [0.6, 0.3];
const BETWEEN = { writeK: null, exactTail: 256, exactHead: 4 };
/** Under this name the folder of a point has its plan. */
export const ASKED: ExpertLevel = 'fast';

/** From exact to the sparsest: the model's levels, and plans between them that only read sparsely. */
export function pointsOf({ routed, levels }: ExpertLayout): Point[] {
  const own = Object.entries(levels).map(([name, plan]) => ({ name, plan }));
  const between = SHARES.map(share => {
    const readK = Math.max(1, Math.round(share * routed));
    return { name: `${readK} of ${routed}`, plan: { ...BETWEEN, readK } };
  });
  const isOwn = ({ plan }: Point) =>
    own.some(
      ({ plan: { readK, exactTail, shortcut } }) =>
        readK === plan.readK && exactTail === plan.exactTail && shortcut === plan.shortcut,
    );
  const reads = ({ plan }: Point) => meanExperts(plan.readK ?? routed + 1);
  const writes = ({ plan }: Point) => plan.writeK ?? routed + 1;
  return [...own, ...between.filter(point => !isOwn(point))].sort(
    (a, b) => writes(b) - writes(a) || reads(b) - reads(a) || b.plan.exactTail - a.plan.exactTail,
  );
}

/** `folder` becomes the model in `source` by hard links, with the plan as its level `ASKED`. */
export async function linkModel(
  source: string,
  manifest: Manifest,
  plan: LevelPlan,
  folder: string,
): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const file of Object.keys(manifest.files)) linkSync(join(source, file), join(folder, file));
  await writeManifest(folder, {
    ...manifest,
    experts: { ...manifest.experts!, levels: { [ASKED]: plan } },
    capabilities: { ...manifest.capabilities, levels: [ASKED] },
  });
}
