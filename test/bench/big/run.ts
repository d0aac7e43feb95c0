/**
 * `npm run bench:big`: what a model of GLM-4.5-Air's size asks of this machine, shown on two of its layers. Writes 7.4 GB of
 * published weights, converts them (memory of the conversion), times the layers and extrapolates. See docs/performance.md.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { positiveInteger } from '../../../src/cli/engine-session.ts';
import { PeakMemory } from '../process-memory.ts';
import { SPARSE_LAYERS, writeCheckpoint, writeConfig } from './checkpoint.ts';

const NEEDED_BYTES = 16e9;
const CHUNK = 256;
const ROOT = join(__dirname, '../../..');

interface Options {
  threads: number;
  folder: string;
}

/** Runs a child and returns what it printed, its seconds and the most memory it held. */
async function child(args: string[]): Promise<{ output: string; seconds: number; peakBytes: number }> {
  const start = performance.now();
  const process_ = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  const memory = new PeakMemory(process_.pid!);
  let output = '';
  process_.stdout.on('data', (text: Buffer) => {
    output += text;
  });
  const code = await new Promise(resolve => process_.on('close', resolve));
  const peak = memory.stop();
  if (code !== 0) throw new Error(`${args[0]} ended with ${code}`);
  const peakBytes = (peak?.anonymous ?? 0) + (peak?.fileBacked ?? 0);
  return { output, seconds: (performance.now() - start) / 1000, peakBytes };
}

interface Times {
  loadMs: number;
  chunkMs: number;
  stepMs: number;
  headMs: number;
  memory: { anonymous: number; fileBacked: number };
}

async function run({ threads, folder: parent }: Options): Promise<void> {
  const { bavail, bsize } = await statfs(parent);
  if (bavail * bsize < NEEDED_BYTES) throw new Error(`${parent} has no 16 GB free: choose another --folder.`);
  const folder = await mkdtemp(join(parent, 'moebius-big-'));
  try {
    const published = await writeCheckpoint(folder);
    console.log(`${cpus()[0]?.model.trim()}, ${threads} threads`);
    console.log(`two layers of GLM-4.5-Air as published: ${gigabytes(published)} GB in two shards`);
    const times: Times[] = [];
    for (const layers of [1, 2] as const) {
      await writeConfig(folder, layers);
      const out = join(folder, `${layers}-layers`);
      const cli = join(ROOT, 'dist/cli.js');
      const converted = await child([cli, 'convert', folder, '--out', out, '--json-progress']);
      const { sizeBytes } = JSON.parse(converted.output.trim().split('\n').at(-1)!);
      console.log(
        `${layers} layer(s): ${gigabytes(sizeBytes)} GB converted in ${converted.seconds.toFixed(0)} s, peak resident memory ${gigabytes(converted.peakBytes)} GB`,
      );
      const timed = await child(['--import', 'tsx', join(__dirname, 'time.ts'), out, String(threads)]);
      times.push(JSON.parse(timed.output));
      console.log(JSON.stringify(times.at(-1)));
    }
    report(times as [Times, Times]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
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
  .option('--folder <folder>', 'where 16 GB are free', tmpdir())
  .action(run)
  .parseAsync()
  .catch(error => {
    console.error(error.message);
    process.exitCode = 1;
  });
