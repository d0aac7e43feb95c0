/**
 * `npm run curve`: quality and reading time at six activation levels, the model's own and some between, as JSON and as a
 * picture. Every point is measured in a process of its own; what is there is not measured again. See docs/moe.md.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { ROOT } from '../../scripts/steps.ts';
import { withHugePages } from '../../src/base/huge-pages.ts';
import { positiveInteger } from '../../src/cli/engine-session.ts';
import { readManifest } from '../../src/models/manifest-file.ts';
import { variantFolder } from '../support/models.ts';
import { drawCurve } from './draw.ts';
import type { Job, Measured, Sizes } from './measure.ts';
import { linkModel, pointsOf } from './points.ts';
import { rowsOf } from './rows.ts';

interface Options extends Sizes {
  model: string;
  data: string;
  work: string;
  out: string;
  threads: number;
}

const program = new Command('curve')
  .description('quality and reading time over activation levels')
  .option('--model <id>', 'converted model of the store, int4', 'qwen2.5-coder-1.5b')
  .option('--data <folder>', 'folder with the data sets', join(ROOT, '..', 'shared', 'eval'))
  .option('--work <folder>', 'what was measured, kept', join(ROOT, '.cache', 'curve'))
  .option('--out <path>', 'where <path>.json and <path>.svg go', join(ROOT, 'docs', 'images', 'curve'))
  .option('--texts <n>', 'texts that are scored, 12 at most', positiveInteger, 12)
  .option('--tasks <n>', 'programs of each suite, and questions', positiveInteger, 24)
  .option('--rounds <n>', 'of reading 2,048 tokens', positiveInteger, 2)
  .option('--threads <n>', 'threads of the engine', positiveInteger, availableParallelism())
  .action(run);

async function run({ model, data, work, out, threads, ...sizes }: Options): Promise<void> {
  const source = variantFolder(model, 'int4');
  const manifest = await readManifest(source);
  if (manifest.experts?.kind !== 'carved') throw new Error(`${model} is not a carved model.`);
  // The same id may be another conversion tomorrow: its routed experts tell.
  const routed = manifest.files['routed.data']!.sha256.slice(0, 8);
  const folder = join(work, [model, routed, ...Object.values(sizes)].join('-'));
  mkdirSync(folder, { recursive: true });
  const linked = join(work, 'model');
  const points = pointsOf(manifest.experts);
  const { levels } = manifest.experts;
  // Those that a user can choose come first: a run that is ended has a picture of them.
  const byUse = points.toSorted((a, b) => Number(b.name in levels) - Number(a.name in levels));
  const measured: Measured[] = [];
  for (const point of byUse) {
    const file = join(folder, `${point.name.replaceAll(' ', '-')}.json`);
    await linkModel(source, manifest, point.plan, linked);
    const job: Job = { ...{ point, folder: linked, data, file, sizes, threads } };
    const { status } = spawnSync(
      process.execPath,
      ['--import', 'tsx', join(__dirname, 'measure.ts'), JSON.stringify(job)],
      { stdio: 'inherit', env: withHugePages(process.env) },
    );
    if (status !== 0) throw new Error(`${point.name} could not be measured; run again to go on.`);
    measured.push(JSON.parse(readFileSync(file, 'utf8')));
    await draw(measured, { model, threads, sizes }, out);
  }
}

/** What was measured so far; the first is what the others are held against. */
async function draw(measured: readonly Measured[], what: object, out: string): Promise<void> {
  const rows = rowsOf(measured[0]!, measured);
  const machine = cpus()[0]?.model.trim();
  const plans = measured.map(({ point }) => point);
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(`${out}.json`, `${JSON.stringify({ ...what, machine, plans, rows }, null, 1)}\n`);
  writeFileSync(`${out}.svg`, await drawCurve(rows));
}

program.parseAsync().catch(error => {
  console.error(error.message);
  process.exitCode = 1;
});
