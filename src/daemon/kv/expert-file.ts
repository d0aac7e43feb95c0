/** Which experts of a model tokens went to, from one run of the daemon to the next: a small file beside the model's pages. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { ExpertHistogram } from '../../engine/hot-experts.ts';
import { EXPERTS_FILE } from '../../models/kv-files.ts';

/** What earlier runs said counts half as much after each further one: what a user works on changes. */
const KEPT_SHARE = 0.5;

const histogramSchema = z
  .array(
    z.strictObject({ layer: z.int().nonnegative(), tokens: z.array(z.number().nonnegative()).max(4096) }),
  )
  .max(1024);

/** Empty where nothing was saved, or nothing that can be read. */
export async function readExperts(folder: string): Promise<ExpertHistogram> {
  try {
    return histogramSchema.parse(JSON.parse(await readFile(join(folder, EXPERTS_FILE), 'utf8')));
  } catch {
    return [];
  }
}

/** Adds what a run met to what was saved. Throws the system's errors. */
export async function addExperts(folder: string, met: ExpertHistogram): Promise<void> {
  if (met.length === 0) return;
  const earlier = new Map((await readExperts(folder)).map(({ layer, tokens }) => [layer, tokens]));
  const sums = met.map(({ layer, tokens }) => {
    const before = earlier.get(layer) ?? [];
    return { layer, tokens: tokens.map((count, expert) => count + KEPT_SHARE * (before[expert] ?? 0)) };
  });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, EXPERTS_FILE);
  const partial = `${path}.${process.pid}`;
  await writeFile(partial, JSON.stringify(sums), { mode: 0o600 });
  await rename(partial, path);
}
