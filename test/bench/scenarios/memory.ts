/**
 * What memory grows with: the context, and a second window with the same model. Peaks are of a fresh child that reads one
 * prompt; its context is just large enough, since llama.cpp takes all of it at the start.
 */
import { startContender } from '../child-contender.ts';
import type { ContenderConfig } from '../contender.ts';
import { promptOfLength, readCorpus, SPEED_FILES } from '../corpus.ts';
import { DAEMON_CONTEXT_TOKENS, withDaemon } from '../daemon.ts';
import { type Figure, type Log, llamaConfig, moebiusConfig, nameOf, type Plan } from '../plan.ts';
import { type Peak, PeakMemory, readShare } from '../process-memory.ts';
import { Samples, withContenders } from '../rounds.ts';

const WRITTEN = 16;
/** Before two windows are compared, each has read this much. */
const WINDOW_TOKENS = 512;

export async function memory(plan: Plan, log: Log): Promise<Figure[]> {
  const { text } = readCorpus(SPEED_FILES);
  return [...(await byContext(plan, text, log)), ...(await twoWindows(plan, text, log))];
}

async function byContext(plan: Plan, text: string, log: Log): Promise<Figure[]> {
  const [short, long] = plan.quick ? ([256, 1024] as const) : ([1024, 4096] as const);
  const configs = (tokens: number) => {
    const contextTokens = tokens + WRITTEN + 1;
    return [...llamaConfig(plan, contextTokens), ...moebiusConfig(plan, plan.variant, contextTokens)];
  };
  const columns = () => new Samples(configs(short).map(nameOf));
  const growth = columns();
  const figures: Figure[] = [];
  const peaks = new Map<string, number>();
  for (const tokens of [short, long]) {
    const anonymous = columns();
    const fileBacked = columns();
    for (const config of configs(tokens)) {
      const name = nameOf(config);
      const peak = await peakOf(config, text, tokens);
      if (!peak) {
        log("not possible here: the system does not tell a process's memory");
        return [];
      }
      anonymous.add(name, peak.anonymous / 1e6);
      fileBacked.add(name, peak.fileBacked / 1e6);
      const before = peaks.get(name);
      if (before !== undefined) growth.add(name, ((peak.anonymous - before) / 1e6 / (long - short)) * 1000);
      peaks.set(name, peak.anonymous);
    }
    log(`memory: context ${tokens}`);
    figures.push(
      anonymous.figure('memory', `peak anonymous memory, context ${tokens}`, 'MB'),
      fileBacked.figure('memory', `peak file-backed memory, context ${tokens}`, 'MB'),
    );
  }
  return [...figures, growth.figure('memory', 'anonymous memory for 1,000 tokens of context', 'MB')];
}

async function peakOf(config: ContenderConfig, text: string, tokens: number): Promise<Peak | null> {
  let watch: PeakMemory | undefined;
  const contender = await startContender(nameOf(config), config, pid => {
    watch = new PeakMemory(pid);
  });
  try {
    const prompt = await promptOfLength(text, tokens, 0, contender.tokenize);
    await contender.write(prompt, WRITTEN, 'exact');
    return watch!.stop();
  } finally {
    watch?.stop();
    await contender.close();
  }
}

/** Opens a window, has it read a prompt, hands its process to `use`, and closes it. */
type WithWindow = <T>(use: (pid: number) => Promise<T>) => Promise<T>;

/** Every window has a process of its own; what they map of the model is in memory once. */
async function twoWindows(plan: Plan, text: string, log: Log): Promise<Figure[]> {
  const windows: [string, WithWindow][] = [
    ...llamaConfig(plan, DAEMON_CONTEXT_TOKENS).map((config): [string, WithWindow] => [
      nameOf(config),
      use =>
        withContenders([config], async ([contender]) => {
          const prompt = await promptOfLength(text, WINDOW_TOKENS, 0, contender!.tokenize);
          await contender!.write(prompt, WRITTEN, 'exact');
          return use(contender!.pid);
        }),
    ]),
    [
      'moebius daemon',
      use =>
        withDaemon(plan, async ({ backend, pid }) => {
          const tokenize = async (part: string) => ({ length: (await backend.count({ text: part })).tokens });
          const prompt = await promptOfLength(text, WINDOW_TOKENS, 0, tokenize);
          await backend.generate({ prompt, maxTokens: WRITTEN, temperature: 0 });
          return use(pid());
        }),
    ],
  ];
  const alone = new Samples(windows.map(([name]) => name));
  const added = new Samples(windows.map(([name]) => name));
  for (const [name, withWindow] of windows) {
    const found = await withWindow(async first => {
      const one = readShare(first);
      // The second takes over half of what both map, so only the sum tells what it adds.
      const both = await withWindow(async second => sum(readShare(first), readShare(second)));
      return one === null || both === null ? null : { one, both };
    });
    if (!found) {
      log('two windows: not possible here: the system does not tell what processes share');
      return [];
    }
    alone.add(name, found.one / 1e6);
    added.add(name, (found.both - found.one) / 1e6);
    log(`memory: two windows, ${name}`);
  }
  return [
    alone.figure('memory', 'one window', 'MB'),
    added.figure('memory', 'what a second window adds', 'MB'),
  ];
}

const sum = (a: number | null, b: number | null): number | null => (a === null || b === null ? null : a + b);
