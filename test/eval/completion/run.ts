/**
 * `npm run eval -- completion`: is what the editor shows better than what the model writes by itself, and by which
 * filter? With `--compare llama` beside llama.cpp's raw infilling. Runs programs that a model wrote: see ../sandbox.ts.
 */
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { ROOT } from '../../../scripts/steps.ts';
import { positiveInteger } from '../../../src/cli/engine-session.ts';
import { VARIANTS } from '../../../src/models/store.ts';
import type { ModelVariant } from '../../../src/protocol/daemon.ts';
import { withDaemon } from '../../bench/daemon.ts';
import { testGrammars } from '../../support/grammars.ts';
import { ggufOf, variantFolder } from '../../support/models.ts';
import { llamaAnswerer } from '../answer-llama.ts';
import type { Task } from '../task.ts';
import {
  ABLATIONS,
  type Ablation,
  pipelineAnswer,
  rawAnswer,
  type Shown,
  shown,
  type Written,
} from './answers.ts';
import { type Case, readCases, SETS, type SetName } from './cases.ts';
import { renderConfidence, renderFilters, renderSets, renderVerdict } from './report.ts';
import type { CaseResult, FilterEffect, SetResult, Verdict } from './result.ts';

interface Options {
  data: string;
  suites: string;
  limit: number;
  model: string;
  variant: ModelVariant;
  threads: number;
  cold?: boolean;
  compare?: 'llama';
  json?: string;
}

export const completionCommand = new Command('completion')
  .description('what the editor shows, beside what the model writes by itself')
  .option('--data <folder>', 'folder with the data sets', join(ROOT, '..', 'shared', 'eval'))
  .option('--suites <names>', 'comma separated', Object.keys(SETS).join(','))
  .option('--limit <n>', 'at most n records of each, evenly spread', positiveInteger, Number.MAX_SAFE_INTEGER)
  .option('--model <id>', 'converted model of the store', 'qwen2.5-coder-1.5b')
  .addOption(new Option('--variant <precision>').choices([...VARIANTS]).default('int4'))
  .option('--threads <n>', 'threads of the engine', positiveInteger, availableParallelism())
  .option('--cold', 'ask at the first key, before anything was read ahead')
  .addOption(new Option('--compare <engine>', 'raw infilling by this engine too').choices(['llama']))
  .option('--json <file>', 'write every answer there')
  .action(run);

async function run(options: Options): Promise<void> {
  const names = options.suites.split(',') as SetName[];
  const unknown = names.find(name => !(name in SETS));
  if (unknown) throw new Error(`There is no set \`${unknown}\`: ${Object.keys(SETS).join(', ')}.`);
  const results: SetResult[] = [];
  for (const name of names) {
    const cases = readCases(name, options.data, options.limit);
    const result = await measure(name, cases, options);
    results.push(result);
    console.error(renderSets([result])); // a run takes long: what is there is shown
  }
  const parts = [renderSets, renderFilters, renderConfidence, renderVerdict].map(render => render(results));
  console.log(parts.join('\n\n'));
  if (options.json) writeFileSync(options.json, `${JSON.stringify({ options, results }, null, 2)}\n`);
}

async function measure(name: SetName, cases: readonly Case[], options: Options): Promise<SetResult> {
  const llama = options.compare ? await byLlama(cases, options) : null;
  const { model, variant, threads } = options;
  const syntax = testGrammars();
  for (const { cursor } of cases) await syntax.load(cursor.languageId);
  const written = await withDaemon({ model, variant, threads }, async ({ backend }) => {
    const all: [string, Written][] = [];
    for (const [i, item] of cases.entries()) {
      const raw = await rawAnswer(backend, item);
      all.push([raw, await pipelineAnswer(backend, item, options.cold === true, syntax)]);
      if (i % 20 === 19) console.error(`  ${name}: ${i + 1} of ${cases.length}`);
    }
    return all;
  });
  const results: CaseResult[] = [];
  const effects = new Map<Ablation, FilterEffect>(
    ABLATIONS.map(step => [step, { changed: 0, pass: 0, exact: 0 }]),
  );
  for (const [i, item] of cases.entries()) {
    const [raw, own] = written[i]!;
    const all = shown(item, own, syntax);
    const verdict = await judge(item, all);
    results.push({
      id: item.id,
      raw: await judgeRaw(item, raw),
      pipeline: verdict,
      llama: llama && (await judgeRaw(item, llama[i]!)),
      isShown: all !== null,
      meanLogProb: own.meanLogProb,
      written: own.text,
      shown: all?.text ?? null,
    });
    for (const [step, effect] of effects) {
      const without = shown(item, own, syntax, step);
      if (without?.text === all?.text && without?.after === all?.after) continue;
      const other = await judge(item, without);
      effect.changed++;
      effect.pass += Number(verdict.passes) - Number(other.passes);
      effect.exact += Number(verdict.isExact) - Number(other.isExact);
    }
  }
  return { name, results, effects: Object.fromEntries(effects) };
}

const judgeRaw = (item: Case, answer: string): Promise<Verdict> =>
  judge(item, { text: item.cutRaw(answer), after: item.cursor.after });

async function judge(item: Case, text: Shown | null): Promise<Verdict> {
  const { text: written, after } = text ?? { text: '', after: item.cursor.after };
  const { verdict } = await item.judge(written, after);
  const isExact = item.expected !== undefined && written.trimEnd() === item.expected.trimEnd();
  return { passes: verdict === 'pass', isExact };
}

async function byLlama(cases: readonly Case[], { model, variant, threads }: Options): Promise<string[]> {
  const gguf = ggufOf(model);
  if (!gguf) throw new Error('The GGUF is not in the store: moebius model add --keep-source.');
  const tasks = cases.map(
    ({ id, raw, cutRaw }): Task => ({
      id,
      request: raw,
      cut: cutRaw,
      program: text => text,
      language: 'python',
    }),
  );
  const answer = llamaAnswerer(gguf, variantFolder(model, variant), threads);
  return (await answer(tasks, text => console.error(`  ${text}`))).map(({ text }) => text);
}
