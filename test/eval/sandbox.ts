/**
 * Runs a program that a model wrote: in a scratch folder, with limits on time, memory and file size, without the
 * environment's secrets, and without network where the kernel lets an ordinary user take it away (Linux `unshare`).
 * It is a precaution against accidents, not a prison.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

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

export async function runProgram(program: string, language: 'python' | 'javascript'): Promise<Judgement> {
  const folder = mkdtempSync(join(tmpdir(), 'moebius-eval-'));
  try {
    const file = join(folder, language === 'python' ? 'program.py' : 'program.js');
    writeFileSync(file, program);
    const run =
      language === 'python' ? ['python3', '-I', file] : [process.execPath, '--max-old-space-size=512', file];
    return await execute([...confinement(MEMORY_LIMIT[language]), ...run], folder);
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

function execute([command, ...args]: string[], folder: string): Promise<Judgement> {
  return new Promise(resolve => {
    const env = { PATH: process.env.PATH ?? '', HOME: folder, TMPDIR: folder };
    const posix = process.platform !== 'win32';
    const child = spawn(command!, args, {
      cwd: folder,
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: posix,
    });
    let detail = '';
    let isLate = false;
    child.stderr.on('data', chunk => {
      detail = (detail + chunk).slice(-DETAIL_CHARS);
    });
    const timer = setTimeout(() => {
      isLate = true;
      // The group: a program may have started others.
      if (posix) process.kill(-child.pid!, 'SIGKILL');
      else child.kill();
    }, TIME_LIMIT_MS);
    child.on('error', error => {
      clearTimeout(timer);
      resolve({ verdict: 'error', detail: error.message });
    });
    child.on('close', code => {
      clearTimeout(timer);
      resolve({
        verdict: isLate ? 'timeout' : code === 0 ? 'pass' : 'fail',
        detail: code === 0 ? '' : detail,
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
