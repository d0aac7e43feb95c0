/**
 * `npm test`: every check, each run even when an earlier one failed. `npm test -- unit daemon` runs only those parts.
 * The last line is `N passed, N failed`; types, lint, dead code and build count as one check each.
 */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '..');
const bin = (name: string) => join(ROOT, 'node_modules', '.bin', name);

interface Part {
  name: string;
  command: string[];
  /** Counts mocha's own "N passing" and "N failing" in place of the exit status. */
  isMocha?: boolean;
  /** Must have passed: what the rest needs. */
  isNeeded?: boolean;
}

const mocha = (name: string, folder: string, ...extra: string[]): Part => ({
  name,
  command: [bin('mocha'), ...extra, ...testFiles(join(ROOT, folder))],
  isMocha: true,
});

function testFiles(path: string): string[] {
  if (path.endsWith('.test.ts')) return existsSync(path) ? [path] : [];
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.test.ts'))
    .sort()
    .map(name => join(path, name));
}

const PARTS: Part[] = [
  { name: 'build', command: [process.execPath, 'esbuild.js'], isNeeded: true },
  { name: 'types', command: [bin('tsc'), '--noEmit'] },
  { name: 'lint', command: [bin('biome'), 'check', '.'] },
  { name: 'dead code', command: [bin('knip')] },
  mocha('layers', 'test/layers.test.ts'),
  mocha('unit', 'test/unit'),
  {
    name: 'models',
    command: [
      process.execPath,
      'dist/cli.js',
      'model',
      'add',
      'qwen2.5-coder-0.5b',
      '--variant',
      'int4',
      '--keep-source',
    ],
    isNeeded: true,
  },
  mocha('model', 'test/model', '--timeout', '300000'),
  mocha('daemon', 'test/daemon', '--timeout', '120000'),
  mocha('e2e', 'test/e2e', '--timeout', '300000'),
];

async function main(): Promise<void> {
  const wanted = process.argv.slice(2);
  let passed = 0;
  let failed = 0;
  for (const part of PARTS) {
    if (wanted.length > 0 && !wanted.includes(part.name)) continue;
    if (part.isMocha && !part.command.some(word => word.endsWith('.test.ts'))) continue;
    const startMs = performance.now();
    const { code, output } = await run(part);
    const count = (word: string) => Number(new RegExp(`(\\d+) ${word}`).exec(output)?.[1] ?? 0);
    // A runner that died counts as one failure, whatever it had counted.
    const bad = part.isMocha ? Math.max(count('failing'), code === 0 ? 0 : 1) : code === 0 ? 0 : 1;
    passed += part.isMocha ? count('passing') : 1 - bad;
    failed += bad;
    const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
    process.stdout.write(`${bad === 0 ? '✓' : '✗'} ${part.name} (${seconds} s)\n`);
    if (bad > 0) process.stdout.write(`${output.slice(-20_000)}\n`);
    if (bad > 0 && part.isNeeded) break;
  }
  process.exitCode = failed > 0 ? 1 : 0;
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
}

function run({ command }: Part): Promise<{ code: number | null; output: string }> {
  const [file, ...args] = command;
  const child = spawn(file!, args, {
    cwd: ROOT,
    env: { ...process.env, MOEBIUS_REQUIRE_MODEL: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const collect = (chunk: Buffer) => {
    output += chunk;
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  return new Promise(resolve => {
    child.once('error', error => resolve({ code: 1, output: error.message }));
    child.once('close', code => resolve({ code, output }));
  });
}

void main();
