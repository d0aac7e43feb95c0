/**
 * Runs a program that a model wrote: in a scratch folder, with limits on time, memory and file size, without the
 * environment's secrets, and without network where the kernel lets an ordinary user take it away (Linux `unshare`).
 * It is a precaution against accidents, not a prison.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export type Verdict = 'pass' | 'fail' | 'timeout' | 'error';
export interface Judgement {
  verdict: Verdict;
  /** Last lines of stderr. */
  detail: string;
}

const TIME_LIMIT_MS = 20_000;
/** KiB; Node reserves address space far above what it uses. */
const MEMORY_LIMIT = { python: 2_000_000, javascript: 0 };
const DETAIL_CHARS = 500;
/** Of both streams, for whoever reads them as a test runner's report. */
const OUTPUT_CHARS = 64_000;

export type Language = 'python' | 'javascript';

export function runProgram(program: string, language: Language): Promise<Judgement> {
  const name = language === 'python' ? 'program.py' : 'program.js';
  const command =
    language === 'python' ? ['python3', '-I', name] : [process.execPath, '--max-old-space-size=512', name];
  return runFiles(new Map([[name, program]]), command, language);
}

/** Runs `command` in a scratch folder that holds `files` (relative path -> text). */
export async function runFiles(
  files: ReadonlyMap<string, string>,
  command: readonly string[],
  language: Language,
): Promise<Judgement & { output: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'moebius-eval-'));
  try {
    for (const [path, text] of files) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    return await execute([...confinement(MEMORY_LIMIT[language]), ...command], folder);
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

function execute([command, ...args]: string[], folder: string): Promise<Judgement & { output: string }> {
  return new Promise(resolve => {
    const env = { PATH: process.env.PATH ?? '', HOME: folder, TMPDIR: folder };
    const posix = process.platform !== 'win32';
    const child = spawn(command!, args, {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: posix,
    });
    let detail = '';
    let output = '';
    let isLate = false;
    child.stdout.on('data', chunk => {
      output = (output + chunk).slice(-OUTPUT_CHARS);
    });
    child.stderr.on('data', chunk => {
      detail = (detail + chunk).slice(-DETAIL_CHARS);
      output = (output + chunk).slice(-OUTPUT_CHARS);
    });
    const timer = setTimeout(() => {
      isLate = true;
      // The group: a program may have started others.
      if (posix) process.kill(-child.pid!, 'SIGKILL');
      else child.kill();
    }, TIME_LIMIT_MS);
    child.on('error', error => {
      clearTimeout(timer);
      resolve({ verdict: 'error', detail: error.message, output });
    });
    child.on('close', code => {
      clearTimeout(timer);
      resolve({
        verdict: isLate ? 'timeout' : code === 0 ? 'pass' : 'fail',
        detail: code === 0 ? '' : detail,
        output,
      });
    });
  });
}

let canUnshare: boolean | undefined;

function confinement(memoryKib: number): string[] {
  if (process.platform === 'win32') return [];
  canUnshare ??= spawnSync('unshare', ['-rn', 'true']).status === 0;
  const memory = memoryKib ? `ulimit -v ${memoryKib}; ` : '';
  const limits = ['sh', '-c', `ulimit -f 20000; ${memory}exec "$@"`, 'sh'];
  return canUnshare ? ['unshare', '-rn', ...limits] : limits;
}
