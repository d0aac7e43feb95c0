/**
 * `npm run bench:big`: what a model of GLM-4.5-Air's size asks of this machine, shown on two of its layers. Writes 7.4 GB of
 * published weights, converts them (memory of the conversion), times the layers, extrapolates, and runs them in less memory
 * than they have. See docs/performance.md.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { positiveInteger } from '../../../src/cli/engine-session.ts';
import { dropFromCache } from '../page-cache.ts';
import { PeakMemory } from '../process-memory.ts';
import { SPARSE_LAYERS, writeCheckpoint, writeConfig } from './checkpoint.ts';
import { limitMemory } from './memory-limit.ts';

const NEEDED_BYTES = 24e9;
const CHUNK = 256;
/** Of the child that runs two layers, whose packed experts alone are 1.7 GB. */
const LIMIT_BYTES = 1.2e9;
const ROOT = join(__dirname, '../../..');
const TSX = ['--import', 'tsx'];

interface Options {
  threads: number;
  folder: string;
  variant: 'int4' | 'int8';
}

/** Runs a child of Node and returns what it printed, its seconds and the most memory it held. */
async function child(
  args: string[],
  prefix: string[] = [],
): Promise<{ output: string; seconds: number; peakBytes: number }> {
  const start = performance.now();
  const [command, ...rest] = [...prefix, process.execPath, ...args];
  const running = spawn(command!, rest, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  const memory = new PeakMemory(running.pid!);
  let output = '';
  running.stdout.on('data', (text: Buffer) => {
    output += text;
  });
  const code = await new Promise(resolve => running.on('close', resolve));
  const peak = memory.stop();
  if (code !== 0) throw new Error(`${args.find(arg => !arg.startsWith('-'))} ended with ${code}`);
  return { output, seconds: (performance.now() - start) / 1000, peakBytes: peak?.resident ?? Number.NaN };
}

interface Times {
  loadMs: number;
  chunkMs: number;
  stepMs: number;
  headMs: number;
  memory: { anonymous: number; fileBacked: number };
}

async function run({ threads, folder: parent, variant }: Options): Promise<void> {
  const { bavail, bsize } = await statfs(parent);
  if (bavail * bsize < NEEDED_BYTES) throw new Error(`${parent} has no 24 GB free: choose another --folder.`);
  const folder = await mkdtemp(join(parent, 'moebius-big-'));
  const time = async (model: string, packed: string[] = [], prefix: string[] = []): Promise<Times> => {
    const args = [...TSX, join(__dirname, 'time.ts'), model, String(threads), ...packed];
    return JSON.parse((await child(args, prefix)).output);
  };
  try {
    const published = await writeCheckpoint(folder);
    console.log(`${cpus()[0]?.model.trim()}, ${threads} threads, ${variant}`);
    console.log(`two layers of GLM-4.5-Air as published: ${gigabytes(published)} GB in two shards`);
    const times: Times[] = [];
    const models = [1, 2].map(layers => join(folder, `${layers}-layers`));
    for (const [i, model] of models.entries()) {
      await writeConfig(folder, i === 0 ? 1 : 2);
      const converted = await child([
        join(ROOT, 'dist/cli.js'),
        ...['convert', folder, '--out', model, '--variant', variant, '--json-progress'],
      ]);
      const { sizeBytes } = JSON.parse(converted.output.trim().split('\n').at(-1)!);
      console.log(
        `${i + 1} layer(s): ${gigabytes(sizeBytes)} GB converted in ${converted.seconds.toFixed(0)} s, peak resident memory ${gigabytes(converted.peakBytes)} GB`,
      );
      times.push(await time(model));
      print('plain', times.at(-1)!);
    }
    report(times as [Times, Times]);

    const [, both = ''] = models;
    const packed = join(folder, 'packed');
    const packing = await child([...TSX, join(__dirname, 'pack.ts'), both, packed]);
    console.log(
      `packed in ${packing.seconds.toFixed(0)} s, peak resident memory ${gigabytes(packing.peakBytes)} GB`,
    );
    print('packed', await time(both, [packed]));
    const limit = limitMemory(LIMIT_BYTES);
    // Pages that another process read are not charged to this one.
    const isCold = dropFromCache(['body', 'head'].map(name => join(packed, `${name}.data`)));
    if (limit && isCold) {
      print(`packed, in ${gigabytes(LIMIT_BYTES)} GB of memory`, await time(both, [packed], limit.prefix));
      limit.remove();
    } else console.log('no memory limit can be set here, or the files stay in the page cache');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function print(name: string, { loadMs, stepMs, chunkMs, memory }: Times): void {
  const { anonymous, fileBacked } = memory;
  console.log(
    `  ${name}: opened in ${(loadMs / 1000).toFixed(1)} s, ${stepMs.toFixed(1)} ms a token, ${chunkMs.toFixed(0)} ms for ${CHUNK}, ` +
      `${gigabytes(anonymous)} GB anonymous, ${gigabytes(fileBacked)} GB mapped`,
  );
}

function report([dense, both]: [Times, Times]): void {
  const step = both.stepMs - dense.stepMs;
  const chunk = both.chunkMs - dense.chunkMs;
  const whole = dense.stepMs + SPARSE_LAYERS * step + both.headMs;
  const reading = dense.chunkMs + SPARSE_LAYERS * chunk;
  console.log(
    `dense layer ${dense.stepMs.toFixed(1)} ms a token, ${dense.chunkMs.toFixed(0)} ms for ${CHUNK}`,
  );
  console.log(`sparse layer ${step.toFixed(1)} ms a token, ${chunk.toFixed(0)} ms for ${CHUNK}`);
  console.log(`output projection ${both.headMs.toFixed(1)} ms`);
  console.log(
    `all ${SPARSE_LAYERS + 1} layers: ${(1000 / whole).toFixed(2)} tokens/s written, ${((1000 * CHUNK) / reading).toFixed(1)} read, were there memory for them`,
  );
}

const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(2);

new Command('bench:big')
  .option('--threads <n>', 'threads', positiveInteger, availableParallelism())
  .addOption(
    new Option('--variant <variant>', 'form of the weights').choices(['int4', 'int8']).default('int4'),
  )
  .option('--folder <folder>', 'where 24 GB are free', tmpdir())
  .action(run)
  .parseAsync()
  .catch(error => {
    console.error(error.message);
    process.exitCode = 1;
  });
