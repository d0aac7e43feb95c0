/** Notes in carving.json what its levels were measured to cost, for the models that are converted with it. */
import { join } from 'node:path';
import type { ExpertLevel } from '../../protocol/daemon.ts';
import { CARVING_JSON, readCarvingJson } from '../carving.ts';
import { writeDescription } from '../sealed-data.ts';

/** `tailNll` of levels. */
export type LevelCosts = Partial<Record<ExpertLevel, number>>;

/** Costs of other levels stay. Errors: those of readCarvingJson. */
export async function writeLevelCosts(folder: string, costs: LevelCosts): Promise<void> {
  const json = await readCarvingJson(folder);
  for (const [level, tailNll] of Object.entries(costs) as [ExpertLevel, number][]) {
    const plan = json.levels[level];
    if (plan) plan.tailNll = tailNll;
  }
  await writeDescription(join(folder, CARVING_JSON), json);
}
