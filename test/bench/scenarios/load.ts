/** Load time and memory: a fresh child for every measurement, one at a time, from a warm and from a cold page cache. */
import { chatLevelOf } from '../../../src/models/chat-level.ts';
import { readManifest } from '../../../src/models/manifest-file.ts';
import type { ExpertLevel } from '../../../src/protocol/daemon.ts';
import { startContender } from '../child-contender.ts';
import type { ContenderConfig } from '../contender.ts';
import { promptOfLength, readCorpus, SPEED_FILES } from '../corpus.ts';
import { dropFromCache, filesBelow } from '../page-cache.ts';
import { type Figure, type Log, llamaConfig, moebiusConfig, nameOf, type Plan } from '../plan.ts';
import { type Peak, PeakMemory } from '../process-memory.ts';
import { eachRound, rotated, Samples } from '../rounds.ts';

const READ = 2048;

export const LOAD_FIGURE = 'load to first token of 128';
export const MEMORY_FIGURE = 'peak memory, 2,048 read';
/** At the level that a chat is read at, after a text that was read with all experts, as completions are: both graphs are open then. */
export const CHAT_MEMORY_FIGURE = `${MEMORY_FIGURE} as a chat is`;

const KINDS = ['anonymous', 'fileBacked', 'resident'] as const;

export async function load(plan: Plan, log: Log): Promise<Figure[]> {
  const configs = [...llamaConfig(plan), ...moebiusConfig(plan, plan.variant)];
  const { text } = readCorpus(SPEED_FILES);
  // Fills the page cache and is not counted.
  for (const config of configs) await measure(config, text);
  const levels = new Map<string, ExpertLevel>();
  for (const config of configs) levels.set(nameOf(config), await levelOfChats(config));
  const columns = () => new Samples(configs.map(nameOf));
  const loading = columns();
  const firstToken = columns();
  const memory = { anonymous: columns(), fileBacked: columns(), resident: columns() };
  const ofChats = { anonymous: columns(), fileBacked: columns(), resident: columns() };
  for (const round of eachRound(plan, 'load', log)) {
    for (const config of rotated(configs, round)) {
      const name = nameOf(config);
      const { loadedMs, firstTokenMs, peak } = await measure(config, text, 'exact');
      loading.add(name, loadedMs);
      firstToken.add(name, loadedMs + firstTokenMs);
      const level = levels.get(name)!;
      const chatPeak = level === 'exact' ? peak : (await measure(config, text, level)).peak;
      if (!peak || !chatPeak) continue;
      for (const kind of KINDS) {
        memory[kind].add(name, peak[kind] / 1e6);
        ofChats[kind].add(name, chatPeak[kind] / 1e6);
      }
    }
  }
  log(`chats are read at ${[...levels].map(([name, level]) => `${level} by ${name}`).join(', ')}`);
  return [
    loading.figure('load', 'load', 'ms'),
    firstToken.figure('load', LOAD_FIGURE, 'ms'),
    memory.anonymous.figure('load', 'peak anonymous memory, 2,048 read', 'MB'),
    memory.fileBacked.figure('load', 'peak file-backed memory, 2,048 read', 'MB'),
    memory.resident.figure('load', MEMORY_FIGURE, 'MB'),
    ofChats.anonymous.figure('load', 'peak anonymous memory, 2,048 read as a chat is', 'MB'),
    ofChats.fileBacked.figure('load', 'peak file-backed memory, 2,048 read as a chat is', 'MB'),
    ofChats.resident.figure('load', CHAT_MEMORY_FIGURE, 'MB'),
    ...(await cold(plan, configs, text, log)),
  ];
}

/** The model's files come from the disk; the programs themselves are still in memory. */
async function cold(plan: Plan, configs: ContenderConfig[], text: string, log: Log): Promise<Figure[]> {
  const firstToken = new Samples(configs.map(nameOf));
  for (const round of eachRound(plan, 'load, cold page cache', log)) {
    for (const config of rotated(configs, round)) {
      if (!dropFromCache(filesOf(config))) {
        log(
          'cold page cache: not possible here (it takes GNU dd, fincore, and nobody else who has the model mapped)',
        );
        return [];
      }
      const { loadedMs, firstTokenMs } = await measure(config, text);
      firstToken.add(nameOf(config), loadedMs + firstTokenMs);
    }
  }
  return [firstToken.figure('load', `${LOAD_FIGURE}, cold page cache`, 'ms')];
}

const filesOf = (config: ContenderConfig): string[] =>
  config.kind === 'llama' ? [config.gguf] : filesBelow(config.folder);

/** llama.cpp has no levels. */
async function levelOfChats(config: ContenderConfig): Promise<ExpertLevel> {
  if (config.kind === 'llama') return 'exact';
  const { experts, products } = await readManifest(config.folder);
  return experts ? chatLevelOf(experts, products) : 'exact';
}

/** One life of a child. With `level` it reads a long prompt at that level too, for the peak. */
async function measure(
  config: ContenderConfig,
  text: string,
  level?: ExpertLevel,
): Promise<{ loadedMs: number; firstTokenMs: number; peak: Peak | null }> {
  let memory: PeakMemory | undefined;
  const contender = await startContender(nameOf(config), config, pid => {
    memory = new PeakMemory(pid);
  });
  try {
    const short = await promptOfLength(text, 128, 0, contender.tokenize);
    const { firstTokenMs } = await contender.write(short, 1, 'exact');
    if (level) await contender.write(await promptOfLength(text, READ, 1, contender.tokenize), 16, level);
    return { loadedMs: contender.loadedMs, firstTokenMs, peak: memory!.stop() };
  } finally {
    memory?.stop();
    await contender.close();
  }
}
