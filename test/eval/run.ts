/**
 * `npm run eval`: how often the model's code is right, through `moebius batch`; with `--compare llama` next to llama.cpp
 * on the same GGUF. Runs programs that a model wrote: see sandbox.ts. See docs/evaluation.md.
 */
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { positiveInteger } from '../../src/cli/engine-session.ts';
import { VARIANTS } from '../../src/models/store.ts';
import { EXPERT_LEVELS, type ModelVariant } from '../../src/protocol/daemon.ts';
import { ggufOf, variantFolder } from '../support/models.ts';
import { agentCommand } from './agent/run.ts';
import { llamaAnswerer } from './answer-llama.ts';
import { moebiusAnswerer } from './answer-moebius.ts';
import { completionCommand } from './completion/run.ts';
import { renderScores } from './report.ts';
import { type SuiteScore, scoreSuite } from './score.ts';
import { readSuite, SUITES, type SuiteName } from './suites.ts';
import type { Answer, Answerer, Task } from './task.ts';

interface Options {
  data: string;
  suites: string;
  limit: number;
  model: string;
  variant: ModelVariant;
  level: string;
  compare?: 'llama';
  gguf?: string;
  threads: number;
  json?: string;
}

const program = new Command('eval')
  .enablePositionalOptions()
  .description('pass rates of generated and filled-in code')
  .option('--data <folder>', 'folder with the data sets', join(__dirname, '..', '..', '..', 'shared', 'eval'))
  .option('--suites <names>', 'comma separated', Object.keys(SUITES).join(','))
  .option(
    '--limit <n>',
    'at most n records of each suite, evenly spread',
    positiveInteger,
    Number.MAX_SAFE_INTEGER,
  )
  .option('--model <id>', 'converted model of the store', 'qwen2.5-coder-1.5b')
  .addOption(new Option('--variant <precision>').choices([...VARIANTS]).default('int4'))
  .addOption(new Option('--level <name>', 'experts').choices([...EXPERT_LEVELS]).default('exact'))
  .addOption(new Option('--compare <engine>', 'answer with this engine too').choices(['llama']))
  .option('--gguf <file>', 'the GGUF for --compare; default: found in the store')
  .option('--threads <n>', 'threads of every engine', positiveInteger, availableParallelism())
  .option('--json <file>', 'write scores and every answer there')
  .action(run)
  .addCommand(completionCommand)
  .addCommand(agentCommand);

async function run(options: Options): Promise<void> {
  const names = options.suites.split(',') as SuiteName[];
  const unknown = names.find(name => !(name in SUITES));
  if (unknown) throw new Error(`There is no suite \`${unknown}\`: ${Object.keys(SUITES).join(', ')}.`);
  const answerers = makeAnswerers(options);
  const scores: SuiteScore[] = [];
  for (const name of names) {
    const tasks = readSuite(name, options.data, options.limit);
    const all: Answer[][] = [];
    for (const [label, answer] of answerers) {
      const start = performance.now();
      const answers = await answer(tasks, line => console.error(`  ${name}, ${line}`));
      const seconds = (performance.now() - start) / 1000;
      all.push(answers);
      scores.push(await scoreSuite(name, label, tasks, answers, seconds));
      console.error(renderScores(scores.slice(-1))); // a run takes hours: what is there is shown
    }
    warnOfOtherPrompts(tasks, all);
  }
  console.log(renderScores(scores));
  const { data: _data, json, ...settings } = options;
  if (json) writeFileSync(json, `${JSON.stringify({ settings, scores }, null, 2)}\n`);
}

function makeAnswerers(options: Options): [string, Answerer][] {
  const { model, variant, level, threads } = options;
  const flags = ['--model', model, '--variant', variant, '--experts', level, '--threads', String(threads)];
  const answerers: [string, Answerer][] = [[`moebius ${variant} ${level}`, moebiusAnswerer(flags)]];
  if (options.compare) {
    const gguf = options.gguf ?? ggufOf(model);
    if (!gguf) throw new Error('The GGUF is not in the store: give --gguf.');
    answerers.push(['llama.cpp', llamaAnswerer(gguf, variantFolder(model, variant), threads)]);
  }
  return answerers;
}

/** Both engines must have read the same prompts, or the comparison says nothing. */
function warnOfOtherPrompts(tasks: readonly Task[], [ours, theirs]: Answer[][]): void {
  if (!ours || !theirs) return;
  const other = tasks.filter((_, i) => !ours[i]!.error && ours[i]!.promptTokens !== theirs[i]!.promptTokens);
  if (other.length > 0)
    console.error(`  ${other.length} prompts have another length in tokens, first ${other[0]!.id}`);
}

program.parseAsync().catch(error => {
  console.error(error.message);
  process.exitCode = 1;
});
