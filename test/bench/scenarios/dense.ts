/**
 * What the experts cost a writer: the same GGUF converted without its carving, in turn with the carved model. All experts
 * together are the dense layer, so writing may not be slower. The conversion is kept in .cache/bench.
 */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ROOT } from '../../../scripts/steps.ts';
import { convertModel } from '../../../src/convert/convert.ts';
import { readManifest } from '../../../src/models/manifest-file.ts';
import type { ContenderConfig } from '../contender.ts';
import { promptOfLength, readCorpus, SPEED_FILES } from '../corpus.ts';
import { type Figure, type Log, moebiusConfig, type Plan } from '../plan.ts';
import { eachRound, rotated, Samples, withContenders } from '../rounds.ts';
import { perSecond } from '../statistics.ts';

const CONTEXT = 512;

export async function dense(plan: Plan, log: Log): Promise<Figure[]> {
  const [carved] = moebiusConfig(plan, plan.variant);
  if (!carved || !plan.gguf) return [];
  const folder = await withoutCarving(carved, plan.gguf, log);
  const configs = [
    { ...carved, name: 'carved' },
    { ...carved, folder, name: 'dense' },
  ];
  return withContenders(configs, async contenders => {
    const samples = new Samples(contenders.map(({ name }) => name));
    const { text } = readCorpus(SPEED_FILES);
    for (const contender of contenders) await contender.write('def warm_up():\n', 8, 'exact');
    for (const round of eachRound(plan, 'dense', log)) {
      const prompt = await promptOfLength(text, CONTEXT, round, contenders[0]!.tokenize);
      for (const contender of rotated(contenders, round)) {
        const { steps, decodeMs } = await contender.write(prompt, plan.quick ? 33 : 65, 'exact');
        samples.add(contender.name, perSecond(steps, decodeMs));
      }
    }
    return [samples.figure('dense', `write at ${CONTEXT}`, 'tokens/s')];
  });
}

async function withoutCarving(
  { folder: carved, variant }: Pick<Extract<ContenderConfig, { kind: 'moebius' }>, 'folder' | 'variant'>,
  gguf: string,
  log: Log,
): Promise<string> {
  const { id, name, license, source, format, products = 'blocks' } = await readManifest(carved);
  const folder = join(
    ROOT,
    '.cache/bench',
    `${id}-dense-${variant === 'int8' ? products : variant}-${format}`,
  );
  if (existsSync(folder)) return folder;
  log(`converting ${basename(gguf)} without its carving`);
  await convertModel({
    source: gguf,
    sourceSha256: source.sha256,
    id,
    name,
    license,
    variant,
    products: products === 'blocks' ? 'blocks' : 'codes',
    carvingFolder: null,
    drafterFolder: null,
    outFolder: folder,
  });
  return folder;
}
