/** What the real git runs of a repository that was brought along whole, its configuration included, when it only reads. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { namesPrograms } from '../../../src/agent/commands/git-config.ts';
import { judgeCommand } from '../../../src/agent/commands/judge.ts';
import { WorkspaceFolders } from '../../../src/workspace/folders.ts';
import { repositoriesIn } from '../../../src/workspace/git-index.ts';
import { NodeTerminal } from '../../../src/workspace/node-terminal.ts';
import { NodeWorkspace } from '../../../src/workspace/node-workspace.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const git = (cwd: string, ...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=n', '-c', 'user.email=e', '-c', 'commit.gpgSign=false', ...args], {
    cwd,
    encoding: 'utf8',
    stdio: 'pipe',
  });

function repository(folder: string, files: Record<string, string>): void {
  mkdirSync(folder, { recursive: true });
  git(folder, 'init', '-q', '-b', 'main');
  for (const [path, text] of Object.entries(files)) writeFileSync(join(folder, path), text);
  git(folder, 'add', '.');
  git(folder, 'commit', '-qm', 'first');
}

/** Every way in which a configuration names a program leaves a mark there. */
function arm(folder: string, mark: string): void {
  const program = join(mark, '..', 'program.sh');
  writeFileSync(program, `#!/bin/sh\ntouch ${mark}\ncat "$@" 2>/dev/null\nexit 0\n`);
  chmodSync(program, 0o755);
  for (const [key, value] of [
    ['filter.x.clean', program],
    ['diff.x.textconv', program],
    ['diff.external', program],
  ] as const)
    git(folder, 'config', key, value);
  appendFileSync(join(folder, '.git/info/attributes'), '* filter=x diff=x\n');
}

/** What the agent reads of git without asking. */
const READS = [
  'git status',
  'git status -v -v --ignore-submodules=none',
  'git diff',
  'git diff HEAD --ignore-submodules=none',
  'git diff HEAD~1 HEAD',
  'git log -p',
  'git log --stat -3',
  'git show',
  'git show --remerge-diff HEAD',
  'git blame a.txt',
  'git ls-files -s -m',
  'git rev-list --all',
  'git describe --all',
  'git shortlog HEAD',
];

describe('git that reads', function () {
  if (process.platform === 'win32') return;
  this.timeout(60_000);
  let root: string;
  let mark: string;
  beforeEach(() => {
    const base = tempFolder();
    root = join(base, 'root');
    mark = join(base, 'mark');
    repository(root, { 'a.txt': 'one\n' });
    addCommit(root);
  });

  const open = async () => {
    const folders = await WorkspaceFolders.open([root]);
    return { workspace: new NodeWorkspace(folders), terminal: new NodeTerminal(folders) };
  };
  /** Whether a program of a configuration ran. */
  const runs = async (command: string): Promise<boolean> => {
    rmSync(mark, { force: true });
    const { output } = await (await open()).terminal.run({ command, cwd: '', timeoutMs: 20_000 });
    assert.doesNotMatch(output, /^(fatal|usage)/m, `${command}: ${output}`);
    return existsSync(mark);
  };
  const isAsked = async (folder = '') => {
    const { workspace } = await open();
    return workspace.gitConfig(folder).then(namesPrograms, error => {
      assert.equal(error.code, 'refused');
      return true;
    });
  };
  /** A repository in the repository, with a change that git has to look into the file for. */
  const addSubmodule = (path: string, parent = root) => {
    const folder = join(parent, path);
    repository(folder, { 'b.txt': 'one\n' });
    git(parent, 'add', path);
    git(parent, 'commit', '-qm', 'submodule');
    writeFileSync(join(folder, 'b.txt'), 'two\n');
    return folder;
  };
  const addCommit = (folder: string) => {
    writeFileSync(join(folder, 'c.txt'), 'new\n');
    git(folder, 'add', '.');
    git(folder, 'commit', '-qm', 'second');
  };

  it('is free in all these forms', () => {
    for (const command of READS) assert.equal(judgeCommand(command).verdict, 'free', command);
  });

  it('enters the repositories of its index, whose configuration is asked about', async () => {
    const folder = addSubmodule('deep/sub');
    assert.equal(await isAsked(), false);
    arm(folder, mark);
    assert.equal(await runs('git status'), true, 'git runs what is configured there');
    assert.equal(await isAsked(), true);
    assert.equal(await isAsked('deep'), true);
  });

  it('enters those in them too, and those whose git folder is elsewhere', async () => {
    const outer = addSubmodule('outer');
    const inner = addSubmodule('inner', outer);
    git(root, 'add', 'outer');
    arm(inner, mark);
    git(outer, 'config', 'submodule.inner.ignore', 'none');
    mkdirSync(join(root, '.git/modules'));
    renameSync(join(outer, '.git'), join(root, '.git/modules/outer'));
    writeFileSync(join(outer, '.git'), 'gitdir: ../.git/modules/outer\n');
    git(outer, 'config', 'core.worktree', '../../../outer');
    assert.equal(await runs('git status'), true);
    assert.equal(await isAsked(), true);
  });

  it('enters none that only a commit has, whatever the configuration wants', async () => {
    const folder = addSubmodule('sub');
    addCommit(folder);
    git(root, 'add', 'sub');
    git(root, 'commit', '-qm', 'newer');
    git(root, 'rm', '-q', '--cached', 'sub');
    arm(folder, mark);
    git(root, 'config', 'diff.submodule', 'diff');
    git(root, 'config', 'status.submoduleSummary', 'true');
    git(root, 'config', 'submodule.recurse', 'true');
    git(root, 'config', 'diff.ignoreSubmodules', 'none');
    writeFileSync(
      join(root, '.gitmodules'),
      '[submodule "s"]\n\tpath = sub\n\turl = ./sub\n\tignore = none\n',
    );
    assert.equal(await isAsked(), false);
    for (const command of READS) assert.equal(await runs(command), false, command);
    assert.equal(await runs('git log -p --submodule=diff'), true, 'which is why this option is asked for');
    assert.notEqual(judgeCommand('git log -p --submodule=diff').verdict, 'free');
  });

  it('runs no hook, since it writes no index', async () => {
    const hook = join(root, '.git/hooks/post-index-change');
    writeFileSync(hook, `#!/bin/sh\ntouch ${mark}\n`);
    chmodSync(hook, 0o755);
    for (const command of READS) {
      utimesSync(join(root, 'a.txt'), 10, 10 + Math.random() * 1e6);
      assert.equal(await runs(command), false, command);
    }
    assert.equal(await runs('git describe --all --dirty'), true, 'which is why this option is asked for');
  });

  it('merges again with the programs of the configuration, and they are asked about', async () => {
    writeFileSync(join(root, '.git/info/attributes'), '* merge=x\n');
    git(root, 'checkout', '-qb', 'other');
    writeFileSync(join(root, 'a.txt'), 'two\n');
    git(root, 'commit', '-qam', 'two');
    git(root, 'checkout', '-q', 'main');
    writeFileSync(join(root, 'a.txt'), 'three\n');
    git(root, 'commit', '-qam', 'three');
    git(root, 'merge', '-q', '-s', 'ours', 'other');
    assert.equal(await isAsked(), false);
    git(root, 'config', 'merge.x.driver', `touch ${mark}`);
    assert.equal(await runs('git show --remerge-diff HEAD'), true);
    assert.equal(await isAsked(), true);
  });

  it('is asked for where an option names a file to write', async () => {
    for (const command of ['git rev-list --output=a.txt HEAD', 'git blame --output=a.txt a.txt']) {
      writeFileSync(join(root, 'a.txt'), 'one\n');
      await runs(command);
      assert.equal(readFileSync(join(root, 'a.txt'), 'utf8'), '', command);
      assert.notEqual(judgeCommand(command).verdict, 'free', command);
    }
  });

  it('is asked for where its files are elsewhere, or its index is none that can be read', async () => {
    const outside = tempFolder({ 'a.txt': 'private\n' });
    git(root, 'config', 'core.worktree', root);
    assert.equal(await isAsked(), false);
    git(root, 'config', 'core.worktree', outside);
    assert.match(
      (await (await open()).terminal.run({ command: 'git diff', cwd: '', timeoutMs: 9000 })).output,
      /private/,
    );
    assert.equal(await isAsked(), true);
    git(root, 'config', '--unset', 'core.worktree');
    git(root, 'update-index', '--split-index');
    assert.equal(await isAsked(), true);
    git(root, 'update-index', '--no-split-index');
    assert.equal(await isAsked(), false);
    writeFileSync(join(root, '.git/index'), 'DIRC');
    assert.equal(await isAsked(), true);
  });

  it('is asked for below a repository that names programs', async () => {
    mkdirSync(join(root, 'part'));
    arm(root, mark);
    writeFileSync(join(root, 'a.txt'), 'two\n');
    root = join(root, 'part');
    assert.equal(await runs('git status'), true);
    assert.equal(await isAsked(), true);
  });

  it('has its index read in every version', () => {
    for (const version of [2, 3, 4]) {
      git(root, 'update-index', '--index-version', String(version));
      for (let n = 0; n < 9; n++) {
        const path = `folder${n % 3}/${'s'.repeat(n)}ub${n}`;
        if (!existsSync(join(root, path))) addSubmodule(path);
        writeFileSync(join(root, `${'x'.repeat(n)}.txt`), 'x');
      }
      // Only with this, git needs what version 3 has more than version 2.
      if (version > 2) git(root, 'add', '-N', '.');
      const expected = git(root, 'ls-files', '-s')
        .split('\n')
        .flatMap(line => (line.startsWith('160000') ? [line.split('\t')[1]!] : []));
      const index = readFileSync(join(root, '.git/index'));
      assert.equal(index.readUInt32BE(4), version);
      assert.deepEqual(repositoriesIn(index), expected);
      assert.equal(expected.length, 9);
      for (let length = 0; length < index.length; length += 97)
        assert.equal(repositoriesIn(index.subarray(0, length)), null);
    }
  });
});
