/**
 * `npm run replay`: files of well-known packages are typed, with human timing, mistakes and jumps, through the completion
 * pipeline and the daemon; see docs/completion.md. Time is virtual: nobody waits for the typist.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { ROOT } from '../../scripts/steps.ts';
import { positiveInteger } from '../../src/cli/engine-session.ts';
import { completeRequest } from '../../src/engine/complete.ts';
import { openModelFolder } from '../../src/engine/model-folder.ts';
import { Tokenizer } from '../../src/engine/tokenizer.ts';
import { VARIANTS } from '../../src/models/store.ts';
import type { ModelVariant } from '../../src/protocol/daemon.ts';
import { withDaemon } from '../bench/daemon.ts';
import { recordSession } from '../bench/typing-script.ts';
import { testGrammars } from '../support/grammars.ts';
import { variantFolder } from '../support/models.ts';
import { type Baseline, compare, readBaseline, type Settings } from './baseline.ts';
import type { TokensOf } from './engine.ts';
import { type SourceFile, sourceFiles } from './files.ts';
import { renderConfidence, renderFigures, renderOutcomes } from './report.ts';
import { type Typed, typeFile } from './session.ts';
import { type Figures, figures, sum } from './tally.ts';

const BASELINE = join(ROOT, 'test', 'replay', 'baseline.json');
const PER_LANGUAGE = 20;
const LANGUAGES = 3;

interface Options extends Settings {
  threads: number;
  unsure?: boolean;
  plain?: boolean;
  check?: boolean;
  writeBaseline?: boolean;
  json?: string;
}

const program = new Command('replay')
  .description('ghost text while real files are typed')
  .option(
    '--limit <n>',
    'at most n files, as many of each language',
    positiveInteger,
    PER_LANGUAGE * LANGUAGES,
  )
  .option('--keys <n>', 'keystrokes a file', positiveInteger, 120)
  .option('--model <id>', 'converted model of the store', 'qwen2.5-coder-1.5b')
  .addOption(new Option('--variant <precision>').choices([...VARIANTS]).default('int4'))
  .option('--threads <n>', 'threads of the engine', positiveInteger, availableParallelism())
  .option(
    '--plain',
    'also a plain pipeline on the same engine: how many useful characters a second of compute gives',
  )
  .option('--read <n>', 'tokens per second that the engine is taken to read', positiveInteger, 90)
  .option('--write <n>', 'and to write; both as of the 1.5B model on two cores', positiveInteger, 20)
  .option('--unsure', 'show what the model is unsure of as well: what would a threshold of confidence keep?')
  .option('--pace <n>', 'times as slow a typist', positiveInteger, 1)
  .option('--alone', "without the package's other files", false)
  .option('--check', 'do what test/replay/baseline.json was made with, and fail where a figure is worse')
  .option('--write-baseline', 'write that file')
  .option('--json <file>', 'write the counts of every file there')
  .action(run);

async function run(given: Options): Promise<void> {
  const baseline = given.check ? baselineThere() : null;
  const options = { ...given, ...baseline?.settings };
  const files = await sourceFiles(Math.min(PER_LANGUAGE, Math.ceil(options.limit / LANGUAGES)));
  const ours = await typeAll(files, 'moebius', options);
  const plain = options.plain ? await typeAll(files, 'plain', options) : null;
  const figuresOfOurs = figures(sum(ours.map(({ tally }) => tally)));
  const columns: [string, Figures][] = [['Moebius', figuresOfOurs]];
  if (plain) columns.push(['plain', figures(sum(plain.map(({ tally }) => tally)))]);
  console.log(renderFigures(columns));
  console.log(renderOutcomes(sum(ours.map(({ tally }) => tally)).outcomes));
  if (options.unsure) console.log(renderConfidence(ours.flatMap(({ judged }) => judged)));
  if (options.json) writeFileSync(options.json, `${JSON.stringify({ options, ours, plain }, null, 2)}\n`);
  const { model, variant, limit, keys, read, write, pace, alone } = options;
  const settings = { model, variant, limit, keys, read, write, pace, alone };
  const made: Baseline = { settings, figures: figuresOfOurs };
  if (options.writeBaseline) writeFileSync(BASELINE, `${JSON.stringify(made, null, 2)}\n`);
  for (const line of baseline ? compare(figuresOfOurs, baseline.figures) : []) {
    console.error(line);
    process.exitCode = 1;
  }
}

function baselineThere(): Baseline {
  if (!existsSync(BASELINE)) throw new Error('There is no baseline: npm run replay -- --write-baseline');
  return readBaseline(readFileSync(BASELINE, 'utf8'));
}

async function typeAll(
  files: readonly SourceFile[],
  kind: 'moebius' | 'plain',
  options: Options,
): Promise<Typed[]> {
  const { model, variant, threads, keys, read, write, pace, alone, unsure } = options;
  const tokensOf = await tokensOfModel(model, variant);
  const syntax = testGrammars();
  for (const { language } of files) await syntax.load(language);
  return withDaemon({ model, variant, threads }, async ({ backend }) => {
    const typed: Typed[] = [];
    for (const [index, file] of files.entries()) {
      const { opened, keys: all } = recordSession(file.text, index + 1);
      const slowed = all.slice(0, keys).map(key => ({ ...key, pauseMs: key.pauseMs * pace }));
      const recording = { opened, keys: slowed };
      const others = alone ? [] : file.others;
      const document = { path: file.name, languageId: file.language, others };
      const session = await typeFile(
        { backend, tokensOf, syntax },
        document,
        recording,
        kind,
        { read, write },
        unsure,
      );
      typed.push(session);
      const { usefulChars, computeMs } = session.tally;
      console.error(
        `  ${kind} ${index + 1} of ${files.length}, ${file.name}: ${usefulChars} useful characters in ${(computeMs / 1000).toFixed(1)} s`,
      );
    }
    return typed;
  });
}

/** As the daemon makes prompts, without its weights. */
async function tokensOfModel(model: string, variant: ModelVariant): Promise<TokensOf> {
  const { manifest, tokenizer } = await openModelFolder(variantFolder(model, variant));
  const parts = { manifest, tokenizer: new Tokenizer(tokenizer) };
  return params => completeRequest(parts, { requestId: '', ...params }).prompt;
}

program.parseAsync().catch(error => {
  console.error(error.message);
  process.exitCode = 1;
});
