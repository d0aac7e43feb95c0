/** Load time and memory: a fresh child for every measurement, one at a time. */

import { startContender } from '../child-contender.ts';
import type { ContenderConfig } from '../contender.ts';
import { promptOfLength, readCorpus, SPEED_FILES } from '../corpus.ts';
import { type Figure, type Log, llamaConfig, moebiusConfig, nameOf, type Plan } from '../plan.ts';
import { PeakMemory } from '../process-memory.ts';
import { rotated, Samples } from '../rounds.ts';

interface Measurements {
  load: Samples;
  firstToken: Samples;
  anonymous: Samples;
  fileBacked: Samples;
}

export async function load(plan: Plan, log: Log): Promise<Figure[]> {
  const configs = [...llamaConfig(plan), ...moebiusConfig(plan, 'int4')];
  const columns = () => new Samples(configs.map(nameOf));
  const samples: Measurements = {
    load: columns(),
    firstToken: columns(),
    anonymous: columns(),
    fileBacked: columns(),
  };
  const { text } = readCorpus(SPEED_FILES);
  // The first round fills the page cache and is not counted.
  for (let round = 0; round <= plan.rounds; round++) {
    for (const config of rotated(configs, round)) await measure(config, text, round === 0 ? null : samples);
    log(round === 0 ? 'load: page cache filled' : `load: round ${round} of ${plan.rounds}`);
  }
  return [
    samples.load.figure('load', 'load', 'ms'),
    samples.firstToken.figure('load', 'load to first token of 128', 'ms'),
    samples.anonymous.figure('load', 'peak anonymous memory, 2,048 read', 'MB'),
    samples.fileBacked.figure('load', 'peak file-backed memory, 2,048 read', 'MB'),
  ];
}

async function measure(config: ContenderConfig, text: string, samples: Measurements | null): Promise<void> {
  const name = nameOf(config);
  let peak: PeakMemory | undefined;
  const contender = await startContender(name, config, pid => {
    peak = new PeakMemory(pid);
  });
  try {
    const short = await promptOfLength(text, 128, 0, contender.tokenize);
    const first = await contender.write(short, 1, 'exact');
    await contender.write(await promptOfLength(text, 2048, 1, contender.tokenize), 16, 'exact');
    const memory = peak?.stop();
    if (!samples) return;
    samples.load.add(name, contender.loadedMs);
    samples.firstToken.add(name, contender.loadedMs + first.firstTokenMs);
    if (memory) {
      samples.anonymous.add(name, memory.anonymous / 1e6);
      samples.fileBacked.add(name, memory.fileBacked / 1e6);
    }
  } finally {
    peak?.stop();
    await contender.close();
  }
}
