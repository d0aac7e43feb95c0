/** Notes in carving.json what its levels were measured to cost, for the models that are converted with it. */
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExpertLevel } from '../../protocol/daemon.ts';
import { CARVING_JSON, readCarvingJson } from '../carving.ts';

/** Nats a written token above `exact`. */
export type LevelCosts = Partial<Record<ExpertLevel, number>>;

/** Costs of other levels stay. Errors: those of readCarvingJson. */
export async function writeLevelCosts(folder: string, costs: LevelCosts): Promise<void> {
  const json = await readCarvingJson(folder);
  for (const [level, tailNll] of Object.entries(costs) as [ExpertLevel, number][]) {
    const plan = json.levels[level];
    if (plan) plan.tailNll = tailNll;
  }
  const path = join(folder, CARVING_JSON);
  await writeFile(`${path}.part`, `${JSON.stringify(json, null, 2)}\n`);
  await rename(`${path}.part`, path);
}
