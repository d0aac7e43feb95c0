/** What data that was trained on top of a carving says of itself, and which carving that was. */
import { z } from 'zod';
import { readCarvingJson } from './carving.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** Fields of a description. */
export const trainedOnCarving = {
  /** Of the carving.bin whose experts were trained with: with others the data means nothing. */
  carvingSha256: sha256,
  /** Where the data comes from, for whoever wants to make it again. */
  training: z.strictObject({
    steps: z.int().nonnegative(),
    tokens: z.int().nonnegative(),
    corpusSha256: sha256,
    seed: z.int(),
  }),
};

/** Whether the carving in `folder` is the one it was trained for. */
export async function isOfCarving(
  folder: string,
  { carvingSha256 }: { carvingSha256: string },
): Promise<boolean> {
  return carvingSha256 === (await readCarvingJson(folder)).data.sha256;
}
