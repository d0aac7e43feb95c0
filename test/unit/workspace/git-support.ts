/** Repositories of the real git, for tests. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const git = (cwd: string, ...args: string[]) =>
  execFileSync(
    'git',
    [
      ...['user.name=n', 'user.email=e', 'commit.gpgSign=false', 'protocol.file.allow=always'].flatMap(
        setting => ['-c', setting],
      ),
      ...args,
    ],
    { cwd, encoding: 'utf8', stdio: 'pipe' },
  );

export function repository(folder: string, files: Record<string, string>): void {
  mkdirSync(folder, { recursive: true });
  git(folder, 'init', '-q', '-b', 'main');
  for (const [path, text] of Object.entries(files)) writeFileSync(join(folder, path), text);
  git(folder, 'add', '.');
  git(folder, 'commit', '-qm', 'first');
}

/** A program that leaves a mark. */
export function markingProgram(mark: string): string {
  const program = join(mark, '..', 'program.sh');
  writeFileSync(program, `#!/bin/sh\ntouch ${mark}\ncat "$@" 2>/dev/null\nexit 0\n`);
  chmodSync(program, 0o755);
  return program;
}

/** Every way in which a configuration names a program leaves a mark there. */
export function arm(folder: string, mark: string): void {
  const program = markingProgram(mark);
  for (const key of ['filter.x.clean', 'diff.x.textconv', 'diff.external'])
    git(folder, 'config', key, program);
  appendFileSync(join(folder, '.git/info/attributes'), '* filter=x diff=x\n');
}
