/**
 * `npm run bench`: Moebius next to llama.cpp on the same GGUF, threads and tokens, in one run. Each engine lives in a
 * child process of its own; rounds alternate; figures are medians. See docs/performance.md.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { positiveInteger } from '../../src/cli/engine-session.ts';
import { openStore, VARIANTS } from '../../src/models/store.ts';
import { EXPERT_LEVELS, type ExpertLevel, type ModelVariant } from '../../src/protocol/daemon.ts';
import { installLlama, LLAMA_VERSION } from '../support/llama.ts';
import { ggufOf, variantFolder } from '../support/models.ts';
import { judge, renderBars } from './bars.ts';
import type { Plan, Scenario } from './plan.ts';
import { runScenarios } from './run-scenarios.ts';
import { chat } from './scenarios/chat.ts';
import { cold } from './scenarios/cold.ts';
import { decode } from './scenarios/decode.ts';
import { dense } from './scenarios/dense.ts';
import { edit } from './scenarios/edit.ts';
import { grammar } from './scenarios/grammar.ts';
import { levels } from './scenarios/levels.ts';
import { load } from './scenarios/load.ts';
import { memory } from './scenarios/memory.ts';
import { quality } from './scenarios/quality.ts';
import { script } from './scenarios/script.ts';
import { speed } from './scenarios/speed.ts';
import { turns } from './scenarios/turns.ts';
import { typing } from './scenarios/typing.ts';
import { variants } from './scenarios/variants.ts';

const SCENARIOS: Record<string, Scenario> = {
  load,
  speed,
  decode,
  typing,
  cold,
  turns,
  chat,
  edit,
  memory,
  variants,
  levels,
  quality,
  dense,
  grammar,
  script,
};

interface Options {
  model: string;
  gguf?: string;
  variant?: ModelVariant;
  llama: boolean;
  only?: string;
  levels: string;
  threads: number;
  rounds?: number;
  quick?: boolean;
  json?: string;
}

const program = new Command('bench')
  .description('Moebius against llama.cpp (node-llama-cpp) on the same file')
  .option('--model <id>', 'converted model of the store', 'qwen2.5-coder-1.5b')
  .option('--gguf <file>', 'the GGUF it was converted from; default: found in the store')
  .addOption(
    new Option(
      '--variant <precision>',
      'what is measured beside llama.cpp; default: what is used here',
    ).choices([...VARIANTS]),
  )
  .option('--no-llama', 'measure Moebius alone')
  .option('--only <names>', `scenarios, comma separated: ${Object.keys(SCENARIOS).join(', ')}`)
  .option('--levels <names>', 'levels, comma separated', EXPERT_LEVELS.join(','))
  .option('--threads <n>', 'threads of every engine', positiveInteger, availableParallelism())
  .option('--rounds <n>', 'rounds of each measurement', positiveInteger)
  .option('--quick', 'two rounds and shorter texts')
  .option('--json <file>', 'write the figures there too')
  .action(run);

async function run(options: Options): Promise<void> {
  const plan = await makePlan(options);
  const names = options.only?.split(',') ?? Object.keys(SCENARIOS);
  const unknown = names.find(name => !SCENARIOS[name]);
  if (unknown) throw new Error(`There is no scenario \`${unknown}\`: ${Object.keys(SCENARIOS).join(', ')}.`);
  if (plan.gguf) installLlama();
  const machine = describeMachine();
  console.log(`${plan.model}, ${plan.threads} threads, ${plan.rounds} rounds, medians; ${machine}`);
  console.log(`llama.cpp: ${plan.gguf ? `node-llama-cpp ${LLAMA_VERSION} on ${plan.gguf}` : 'not measured'}`);
  const chosen = Object.fromEntries(names.map(name => [name, SCENARIOS[name]!]));
  const outcome = await runScenarios(chosen, plan, console.log);
  const bars = judge(outcome.figures);
  console.log(`\n${renderBars(bars)}`);
  const total = Object.values(outcome.seconds).reduce((sum, seconds) => sum + seconds, 0);
  const failed = Object.keys(outcome.failures);
  console.log(`\n${total} s in all${failed.length > 0 ? `; failed: ${failed.join(', ')}` : ''}`);
  if (failed.length > 0) process.exitCode = 1;
  const report = {
    date: new Date().toISOString(),
    machine,
    llama: plan.gguf && LLAMA_VERSION,
    plan,
    ...outcome,
    bars,
  };
  if (options.json) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
}

async function makePlan(options: Options): Promise<Plan> {
  const folders = VARIANTS.map(variant => [variant, variantFolder(options.model, variant)] as const);
  const present = folders.filter(([, folder]) => existsSync(join(folder, 'manifest.json')));
  if (present.length === 0)
    throw new Error(`${options.model} is not in the store: moebius model add ${options.model}`);
  const gguf = options.llama ? (options.gguf ?? ggufOf(options.model)) : null;
  if (options.llama && !gguf) {
    throw new Error(
      'The GGUF is not in the store: give --gguf, add the model with --keep-source, or use --no-llama.',
    );
  }
  return {
    model: options.model,
    gguf,
    variants: Object.fromEntries(present),
    variant: (await (await openStore()).find(options.model, options.variant)).variant,
    levels: options.levels.split(',') as ExpertLevel[],
    threads: options.threads,
    rounds: options.rounds ?? (options.quick ? 2 : 5),
    quick: options.quick ?? false,
  };
}

const describeMachine = (): string =>
  `${cpus()[0]?.model.trim()}, ${availableParallelism()} CPUs, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;

program.parseAsync().catch(error => {
  console.error(error.message);
  process.exitCode = 1;
});
