/** What the real git runs of a repository that was brought along whole, its configuration included, when it only reads. */
import assert from 'node:assert/strict';
import {
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
import { judgeCommand } from '../../../src/agent/commands/judge.ts';
import { WorkspaceFolders } from '../../../src/workspace/folders.ts';
import { NodeTerminal } from '../../../src/workspace/node-terminal.ts';
import { NodeWorkspace } from '../../../src/workspace/node-workspace.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { arm, git, repository } from './git-support.ts';

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

/** All of them that could run at all. */
const HOOKS =
  `post-index-change reference-transaction post-checkout pre-commit fsmonitor-watchman query-watchman post-rewrite pre-auto-gc
  post-merge sendemail-validate proc-receive pre-push`.split(/\s+/);

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
  const isAsked = async (reason: RegExp, folder = '') =>
    assert.match((await (await open()).workspace.gitRisk(folder, false)) ?? '', reason);
  const isFree = async () => assert.equal(await (await open()).workspace.gitRisk('', false), null);
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
    await isFree();
    arm(folder, mark);
    assert.equal(await runs('git status'), true, 'git runs what is configured there');
    await isAsked(/filter\.\*\.clean/);
    await isAsked(/filter\.\*\.clean/, 'deep');
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
    await isAsked(/filter\.\*\.clean/);
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
    await isAsked(/diff\.submodule/);
    writeFileSync(
      join(root, '.gitmodules'),
      '[submodule "s"]\n\tpath = sub\n\turl = ./sub\n\tignore = none\n',
    );
    for (const command of READS) assert.equal(await runs(command), false, command);
    assert.equal(await runs('git log -p --submodule=diff'), true, 'which is why this option is asked for');
    assert.notEqual(judgeCommand('git log -p --submodule=diff').verdict, 'free');
  });

  it('runs no hook, since it writes no index', async () => {
    const sub = addSubmodule('sub');
    const elsewhere = join(root, '../hooks');
    const ours = join(root, '.git/hooks');
    mkdirSync(elsewhere);
    for (const name of HOOKS) {
      for (const folder of [elsewhere, ours]) {
        writeFileSync(join(folder, name), `#!/bin/sh\ntouch ${mark}\n`);
        chmodSync(join(folder, name), 0o755);
      }
    }
    for (const folder of [ours, elsewhere]) {
      for (const tree of [root, sub]) git(tree, 'config', 'core.hooksPath', folder);
      await isFree();
      for (const command of READS) {
        for (const file of ['a.txt', 'sub/b.txt']) utimesSync(join(root, file), 10, 10 + Math.random() * 1e6);
        assert.equal(await runs(command), false, command);
      }
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
    await isFree();
    git(root, 'config', 'merge.x.driver', `touch ${mark}`);
    assert.equal(await runs('git show --remerge-diff HEAD'), true);
    await isAsked(/merge\.\*\.driver/);
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
    await isFree();
    git(root, 'config', 'core.worktree', outside);
    assert.match(
      (await (await open()).terminal.run({ command: 'git diff', cwd: '', timeoutMs: 9000 })).output,
      /private/,
    );
    await isAsked(/files in another folder/);
    git(root, 'config', '--unset', 'core.worktree');
    await isFree();
    writeFileSync(join(root, '.git/index'), 'DIRC');
    await isAsked(/git does not say/);
  });

  it('is asked for below a repository that names programs', async () => {
    mkdirSync(join(root, 'part'));
    arm(root, mark);
    writeFileSync(join(root, 'a.txt'), 'two\n');
    root = join(root, 'part');
    assert.equal(await runs('git status'), true);
    await isAsked(/filter\.\*\.clean/);
  });

  it('has the repositories of its index found in every version of it, and in parts', async () => {
    const folder = addSubmodule('deep/sub');
    for (const option of ['--index-version=2', '--index-version=3', '--index-version=4', '--split-index']) {
      git(root, 'update-index', ...option.split('='));
      await isFree();
      git(folder, 'config', 'diff.external', 'x');
      await isAsked(/diff\.external/);
      git(folder, 'config', '--unset', 'diff.external');
    }
  });
});
