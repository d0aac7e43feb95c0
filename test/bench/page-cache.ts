/** Files out of the page cache, so that the next read comes from the disk. Linux with GNU dd and util-linux. */
import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** More than this share left in memory is not a cold start. */
const LEFT = 0.02;

/**
 * Drops `files` without touching anything else that is cached, and needs no rights. False where that is not possible, or
 * did not happen: pages that a running process maps stay.
 */
export function dropFromCache(files: readonly string[]): boolean {
  try {
    let size = 0;
    let left = 0;
    for (const file of files) {
      // `dd` and `fincore` take a folder too, and then drop and count nothing of what lies in it.
      if (!statSync(file).isFile()) return false;
      // count=0: the request to drop is for the whole file (dd's manual, `nocache`).
      run('dd', [`if=${file}`, 'iflag=nocache', 'count=0', 'status=none']);
      left += Number(run('fincore', ['--bytes', '--noheadings', '--output', 'RES', file]));
      size += statSync(file).size;
    }
    return left <= LEFT * size;
  } catch {
    return false;
  }
}

/** Of a folder and those in it, e.g. a model's packed weights. */
export const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map(name => join(folder, name))
    .filter(path => statSync(path).isFile());

const run = (program: string, args: string[]): string =>
  execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
