/** 32 against 8 against 4 bits: speed, size on disk, memory. One child at a time: fp32 alone may fill the machine. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ModelVariant } from '../../../src/protocol/daemon.ts';
import { startContender } from '../child-contender.ts';
import { promptOfLength, readCorpus, SPEED_FILES } from '../corpus.ts';
import { type Figure, type Log, moebiusConfig, type Plan } from '../plan.ts';
import { PeakMemory } from '../process-memory.ts';
import { eachRound, Samples } from '../rounds.ts';
import { perSecond } from '../statistics.ts';

/** The first is what the others are compared with. */
const ALL: readonly ModelVariant[] = ['fp32', 'int8', 'int4'];

export async function variants(plan: Plan, log: Log): Promise<Figure[]> {
  const present = ALL.filter(variant => plan.variants[variant]);
  for (const variant of ALL.filter(variant => !present.includes(variant)))
    log(`${variant} is not in the store: moebius model add ${plan.model} --variant ${variant}`);
  const columns = () => new Samples(present);
  const size = columns();
  const reading = columns();
  const writing = columns();
  const anonymous = columns();
  const { text } = readCorpus(SPEED_FILES);
  for (const round of eachRound(plan, 'variants', log)) {
    for (const variant of present) {
      const [config] = moebiusConfig(plan, variant);
      let peak: PeakMemory | undefined;
      const contender = await startContender(variant, config!, pid => {
        peak = new PeakMemory(pid);
      });
      try {
        await contender.write('def warm_up():\n', 8, 'exact');
        const result = await contender.write(
          await promptOfLength(text, 512, round, contender.tokenize),
          33,
          'exact',
        );
        reading.add(variant, perSecond(512, result.firstTokenMs));
        writing.add(variant, perSecond(result.steps, result.decodeMs));
        if (round === 0) size.add(variant, folderBytes(plan.variants[variant]!) / 1e6);
        const memory = peak?.stop();
        if (memory) anonymous.add(variant, memory.anonymous / 1e6);
      } finally {
        peak?.stop();
        await contender.close();
      }
    }
  }
  return [
    size.figure('variants', 'size on disk', 'MB'),
    reading.figure('variants', 'read 512', 'tokens/s'),
    writing.figure('variants', 'write at 512', 'tokens/s'),
    anonymous.figure('variants', 'peak anonymous memory', 'MB'),
  ];
}

const folderBytes = (folder: string): number =>
  readdirSync(folder).reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
