/**
 * `npm run bench:big`: what a model of GLM-4.5-Air's size asks of this machine, shown on two of its layers. Writes 7.4 GB of
 * published weights, converts them (memory of the conversion), times the layers, extrapolates beside what the memory's
 * bandwidth allows, and runs them in less memory than they have. See docs/performance.md.
 */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { positiveInteger } from '../../../src/cli/engine-session.ts';
import { factsOfSource } from '../../../src/convert/facts.ts';
import { factsIn } from '../../../src/models/model-facts.ts';
import { dropFromCache } from '../page-cache.ts';
import { PeakMemory } from '../process-memory.ts';
import { measureBandwidth } from './bandwidth.ts';
import { SPARSE_LAYERS, writeCheckpoint, writeConfig } from './checkpoint.ts';
import { CHUNK, extrapolate, type LayerFacts, type LayerTimes, type Whole } from './extrapolate.ts';
import { limitMemory } from './memory-limit.ts';

const NEEDED_BYTES = 24e9;
/** Of the child that runs two layers, whose packed experts alone are 1.7 GB. */
const LIMIT_BYTES = 1.2e9;
const ROOT = join(__dirname, '../../..');
const TSX = ['--import', 'tsx'];

interface Options {
  threads: number;
  folder: string;
  variant: 'int4' | 'int8';
  json?: string;
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

interface Times extends LayerTimes {
  loadMs: number;
  memory: { anonymous: number; fileBacked: number };
}

async function run({ threads, folder: parent, variant, json }: Options): Promise<void> {
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
    const facts: LayerFacts[] = [];
    const conversions: object[] = [];
    const models = [1, 2].map(layers => join(folder, `${layers}-layers`));
    for (const [i, model] of models.entries()) {
      await writeConfig(folder, i === 0 ? 1 : 2);
      facts.push(factsIn(await factsOfSource(folder), variant));
      const converted = await child([
        join(ROOT, 'dist/cli.js'),
        ...['convert', folder, '--out', model, '--variant', variant, '--json-progress'],
      ]);
      const { sizeBytes } = JSON.parse(converted.output.trim().split('\n').at(-1)!);
      console.log(
        `${i + 1} layer(s): ${gigabytes(sizeBytes)} GB converted in ${converted.seconds.toFixed(0)} s, peak resident memory ${gigabytes(converted.peakBytes)} GB`,
      );
      conversions.push({ sizeBytes, seconds: converted.seconds, peakBytes: converted.peakBytes });
      times.push(await time(model));
      print('plain', times.at(-1)!);
    }
    const bandwidth = await measureBandwidth(threads);
    const bytesPerSecond = Math.max(...Object.values(bandwidth));
    const whole = extrapolate(pair(times), pair(facts), bytesPerSecond);
    report(pair(times), whole, bandwidth);

    const [, both = ''] = models;
    const packed = join(folder, 'packed');
    const packing = await child([...TSX, join(__dirname, 'pack.ts'), both, packed]);
    console.log(
      `packed in ${packing.seconds.toFixed(0)} s, peak resident memory ${gigabytes(packing.peakBytes)} GB`,
    );
    const packedTimes = await time(both, [packed]);
    print('packed', packedTimes);
    const limit = limitMemory(LIMIT_BYTES);
    // Pages that another process read are not charged to this one.
    const isCold = dropFromCache(['body', 'head'].map(name => join(packed, `${name}.data`)));
    const limited = limit && isCold ? await time(both, [packed], limit.prefix) : null;
    limit?.remove();
    if (limited) print(`packed, in ${gigabytes(LIMIT_BYTES)} GB of memory`, limited);
    else console.log('no memory limit can be set here, or the files stay in the page cache');
    if (json) {
      const machine = { cpu: cpus()[0]?.model.trim(), threads, bandwidth };
      const layers = { conversions, times, packedTimes, limited };
      writeFileSync(json, `${JSON.stringify({ machine, variant, layers, whole }, null, 2)}\n`);
    }
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

function report([dense, both]: [Times, Times], whole: Whole, bandwidth: Record<string, number>): void {
  const { layer, writesPerSecond, readsPerSecond, bytesPerToken, boundPerSecond } = whole;
  console.log(
    `dense layer ${dense.stepMs.toFixed(1)} ms a token, ${dense.chunkMs.toFixed(0)} ms for ${CHUNK}`,
  );
  console.log(
    `sparse layer ${layer.stepMs.toFixed(1)} ms a token (${gigabytes(layer.bytes)} GB), ${layer.chunkMs.toFixed(0)} ms for ${CHUNK}`,
  );
  console.log(`output projection ${both.headMs.toFixed(1)} ms`);
  const speeds = Object.entries(bandwidth).map(([kernel, speed]) => `${kernel} ${gigabytes(speed)}`);
  console.log(`memory is read at, GB/s, one row at a time: ${speeds.join(', ')}`);
  console.log(
    [
      '',
      `| all ${SPARSE_LAYERS + 1} layers, were there memory for them | |`,
      '|---|--:|',
      `| written, tokens/s | ${writesPerSecond.toFixed(2)} |`,
      `| bytes a token reads, GB | ${gigabytes(bytesPerToken)} |`,
      `| at most, by the memory's bandwidth, tokens/s | ${boundPerSecond.toFixed(2)} |`,
      `| written, of that bound | ${((100 * writesPerSecond) / boundPerSecond).toFixed(0)} % |`,
      `| read, tokens/s | ${readsPerSecond.toFixed(1)} |`,
      '',
    ].join('\n'),
  );
}

const pair = <T>([one, two]: T[]): [T, T] => [one!, two!];
const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(2);

new Command('bench:big')
  .option('--threads <n>', 'threads', positiveInteger, availableParallelism())
  .addOption(
    new Option('--variant <variant>', 'form of the weights').choices(['int4', 'int8']).default('int4'),
  )
  .option('--folder <folder>', 'where 24 GB are free', tmpdir())
  .option('--json <file>', 'write the figures there too')
  .action(run)
  .parseAsync()
  .catch(error => {
    console.error(error.message);
    process.exitCode = 1;
  });
