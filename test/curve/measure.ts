/**
 * Measures one point of the curve in a process of its own (started by run.ts; argv[2] is its Job as JSON). What is
 * measured is written at once, so that a run that was ended goes on where it was.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { hooksFor } from '../../src/cli/engine-session.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { loadEngine } from '../../src/engine/load.ts';
import { promptOfLength, readCorpus, SPEED_FILES } from '../bench/corpus.ts';
import { median } from '../bench/statistics.ts';
import { readTokenizer } from '../support/tokenizer.ts';
import { ASKED, type Point } from './points.ts';
import { measureTail, type TailText } from './tail.ts';
import { measureAttached, measureSuite, type PassRate } from './tasks.ts';

export interface Sizes {
  /** Of 1,024 tokens and 64 that follow. */
  texts: number;
  /** Of each suite, and questions about attached files. */
  tasks: number;
  /** Of reading 2,048 tokens. */
  rounds: number;
}
export interface Job {
  point: Point;
  folder: string;
  /** Where the data sets are. */
  data: string;
  /** What was measured, a JSON file. */
  file: string;
  sizes: Sizes;
  threads: number;
}
export interface Measured {
  point: Point;
  sizes: Sizes;
  tail?: TailText[];
  infill?: PassRate;
  humaneval?: PassRate;
  attached?: PassRate;
  /** Median time to the first token after 2,048, in milliseconds. */
  readMs?: number;
}
export const READ_TOKENS = 2048;
const CONTEXT_TOKENS = 8192;

async function main(): Promise<void> {
  const job: Job = JSON.parse(process.argv[2]!);
  const { point, folder, data, file, sizes, threads } = job;
  const { tasks } = sizes;
  const measured: Measured = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { point, sizes };
  const keep = <M extends keyof Measured>(name: M, value: Measured[M]) => {
    measured[name] = value;
    writeFileSync(file, `${JSON.stringify(measured)}\n`);
    console.log(`  ${point.name}: ${name}`);
  };
  if (!measured.tail) keep('tail', await measureTail(folder, point.plan, { texts: sizes.texts, threads }));
  const measures: { [M in keyof Measured]?: (engine: Engine) => Promise<Measured[M]> } = {
    infill: engine => measureSuite(engine, 'infill-line', data, tasks),
    humaneval: engine => measureSuite(engine, 'humaneval', data, tasks),
    attached: engine => measureAttached(engine, tasks),
    // Last, when every graph has been opened.
    readMs: engine => readingTime(engine, folder, sizes.rounds),
  };
  const missing = (Object.keys(measures) as (keyof Measured)[]).filter(name => measured[name] === undefined);
  if (missing.length === 0) return;
  const engine = await loadEngine({ folder, contextTokens: CONTEXT_TOKENS, threads });
  try {
    for (const name of missing) keep(name, await measures[name]!(engine));
  } finally {
    await engine.dispose();
  }
}

async function readingTime(engine: Engine, folder: string, rounds: number): Promise<number> {
  const tokenizer = readTokenizer(folder);
  const { text } = readCorpus(SPEED_FILES);
  const hooks = hooksFor(new AbortController().signal);
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const prompt = await promptOfLength(text, READ_TOKENS, round, async part => tokenizer.encodePlain(part));
    const start = performance.now();
    await engine.generate({ requestId: 'curve', prompt, maxTokens: 1, temperature: 0, level: ASKED }, hooks);
    times.push(performance.now() - start);
  }
  return median(times);
}

main().catch(error => {
  console.error(error.stack);
  process.exit(1);
});
