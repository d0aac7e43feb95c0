/**
 * `npm run simulate`: the scenarios of the agent with scripted models; with `--model`, the guided profile on small tasks too.
 * `--check` compares with baseline.json and fails when something is worse, `--update` writes it. See docs/agent.md.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { MoebiusError } from '../../src/base/errors.ts';
import { engineBackend } from '../../src/cli/engine-backend.ts';
import { openEngine, positiveInteger } from '../../src/cli/engine-session.ts';
import { solve } from './guided.ts';
import { GUIDED_TASKS } from './guided-tasks.ts';
import { remembering } from './remembering.ts';
import { type Guided, passAt, type Scores, scripted, table, worse } from './scores.ts';

const BASELINE = join(__dirname, 'baseline.json');

interface Options {
  model?: string;
  seeds: number;
  only: string;
  check?: boolean;
  update?: boolean;
}

async function main(options: Options): Promise<void> {
  const baseline: Scores = JSON.parse(readFileSync(BASELINE, 'utf8'));
  const { groups, failures } = await scripted(options.only);
  const scores: Scores = { scripted: groups };
  const real = options.model ? await guided(options.model, options).catch(skipped) : undefined;
  if (real) scores.guided = real;
  console.log(table(scores));
  for (const failure of failures) console.log(`\n${failure}`);
  if (options.update) writeFileSync(BASELINE, `${JSON.stringify({ ...baseline, ...scores }, null, 2)}\n`);
  const lost = options.check ? worse(scores, baseline) : [];
  for (const line of lost) console.error(`worse: ${line}`);
  process.exitCode = lost.length > 0 || (!options.check && failures.length > 0) ? 1 : 0;
}

/** Without the model there is nothing to compare, which is no failure. */
function skipped(error: unknown): undefined {
  if (!(error instanceof MoebiusError) || error.code !== 'model-missing') throw error;
  console.error(`skipped: ${error.message}`);
}

async function guided(model: string, { seeds, only }: Options): Promise<Guided> {
  const engine = await openEngine({ model });
  const tasks: Record<string, number> = {};
  try {
    const backend = remembering(engineBackend(engine));
    for (const task of GUIDED_TASKS.filter(({ id }) => id.includes(only))) {
      let passed = 0;
      for (let seed = 1; seed <= seeds; seed++) if (await solve(task, backend, seed)) passed++;
      tasks[task.id] = passed;
      console.error(`  ${task.id}: ${passed} of ${seeds}`);
    }
  } finally {
    await engine.dispose();
  }
  const counts = Object.values(tasks);
  return { model, seeds, passAt1: passAt(1, counts, seeds), passAt3: passAt(3, counts, seeds), tasks };
}

new Command('simulate')
  .description('scenarios of the agent')
  .option('--model <id>', 'also the guided profile, with this model of the store; takes minutes a task')
  .option('--seeds <n>', 'tries of each task', positiveInteger, 3)
  .addOption(
    new Option('--only <text>', 'scenarios and tasks whose name contains this')
      .default('')
      .conflicts(['check', 'update']),
  )
  .option('--check', 'fail when something is worse than the baseline')
  .option('--update', 'write the baseline')
  .action(main)
  .parseAsync();
