/** How git is asked about a repository: in any environment, by a deadline, and what the user is told where it does not answer. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MoebiusError } from '../../../src/base/errors.ts';
import { WorkspaceFolders } from '../../../src/workspace/folders.ts';
import { gitRisk } from '../../../src/workspace/git-risk.ts';
import { NodeTerminal } from '../../../src/workspace/node-terminal.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { arm, git, repository } from './git-support.ts';

describe('git that is asked about a repository', function () {
  if (process.platform === 'win32') return;
  this.timeout(60_000);
  let base: string;
  let root: string;
  let mark: string;
  let environment: NodeJS.ProcessEnv;
  beforeEach(() => {
    environment = { ...process.env };
    base = tempFolder();
    root = join(base, 'root');
    mark = join(base, 'mark');
    repository(root, { 'a.txt': 'one\n' });
  });
  afterEach(() => {
    process.env = environment;
  });

  const risk = async (folder = '', options = {}) =>
    gitRisk(await WorkspaceFolders.open([root]), folder, false, options);
  const isRun = async (command: string) => {
    rmSync(mark, { force: true });
    await new NodeTerminal(await WorkspaceFolders.open([root])).run({ command, cwd: '', timeoutMs: 20_000 });
    assert.ok(existsSync(mark), command);
  };
  /** A repository in each other, the innermost armed and changed. */
  const nest = (...names: string[]) => {
    const folders = names.map((_, index) => join(root, ...names.slice(0, index + 1)));
    for (const folder of folders) repository(folder, { 'b.txt': 'one\n' });
    for (const [index, name] of [...names.entries()].reverse()) {
      const parent = folders[index - 1] ?? root;
      git(parent, 'add', name);
      git(parent, 'commit', '-qm', 'inner');
    }
    writeFileSync(join(folders.at(-1)!, 'b.txt'), 'two\n');
    arm(folders.at(-1)!, mark);
  };
  /** In place of git, for all that is started from now on. */
  const replaceGit = (script: string) => {
    const program = join(base, 'bin/git');
    mkdirSync(join(base, 'bin'));
    writeFileSync(program, `#!/bin/sh\n${script}\n`);
    chmodSync(program, 0o755);
    process.env = { ...environment, PATH: `${join(base, 'bin')}:${environment['PATH']}` };
  };

  describe('answers of the repository that git reads, where the environment names', () => {
    it('a configuration for questions alone', async () => {
      arm(root, mark);
      writeFileSync(join(root, 'a.txt'), 'two\n');
      process.env['GIT_CONFIG'] = '/dev/null';
      await isRun('git diff');
      assert.match((await risk())!, /diff\.external|filter\.\*\.clean/);
    });

    it('another meaning of paths', async () => {
      nest('sub');
      for (const name of ['LITERAL', 'GLOB', 'NOGLOB', 'ICASE']) {
        process.env = { ...environment, [`GIT_${name}_PATHSPECS`]: '1' };
        await isRun('git status');
        assert.match((await risk())!, /diff\.external|filter\.\*\.clean/, name);
      }
    });

    it('parts of the outer one, which git does not take along into those in it', async () => {
      nest('outer', 'inner');
      for (const [name, value] of Object.entries({
        GIT_INDEX_FILE: join(root, '.git/index'),
        GIT_COMMON_DIR: join(root, '.git'),
        GIT_DIR: join(root, '.git'),
        GIT_WORK_TREE: root,
      })) {
        process.env = { ...environment, [name]: value };
        // git has a work tree named only beside a git folder.
        if (name === 'GIT_WORK_TREE') process.env['GIT_DIR'] = join(root, '.git');
        await isRun('git status');
        assert.match((await risk())!, /diff\.external|filter\.\*\.clean/, name);
      }
    });
  });

  it('is asked about the files of one in it where it reads them', async () => {
    nest('other', 'inner');
    git(root, 'rm', '-q', '--cached', 'other');
    repository(join(root, 'sub'), { 'b.txt': 'one\n' });
    git(root, 'add', 'sub');
    git(root, 'commit', '-qm', 'sub');
    assert.equal(await risk(), null);
    const head = git(join(root, 'other/inner'), 'rev-parse', 'HEAD').trim();
    git(join(root, 'sub'), 'update-index', '--add', '--cacheinfo', `160000,${head},inner`);
    git(join(root, 'sub'), 'config', 'core.worktree', join(root, 'other'));
    await isRun('git status');
    assert.match((await risk())!, /has its files in another folder/);
  });

  it('looks into many, at every depth', async () => {
    const head = git(root, 'rev-parse', 'HEAD').trim();
    for (let index = 0; index < 20; index++) {
      repository(join(root, `sub${index}`), { 'b.txt': 'one\n' });
      git(root, 'update-index', '--add', '--cacheinfo', `160000,${head},sub${index}`);
    }
    const inner = join(root, 'sub19/inner');
    repository(inner, { 'c.txt': 'one\n' });
    git(join(root, 'sub19'), 'add', 'inner');
    assert.equal(await risk(), null);
    arm(inner, mark);
    assert.match((await risk())!, /diff\.external|filter\.\*\.clean/);
    const many = Array.from({ length: 301 }, (_, index) => `160000 ${head}\tmany/${index}\n`);
    writeFileSync(join(base, 'entries'), many.join(''));
    git(root, 'read-tree', '--empty');
    await new NodeTerminal(await WorkspaceFolders.open([root])).run({
      command: 'git update-index --index-info < ../entries',
      cwd: '',
      timeoutMs: 20_000,
    });
    assert.match((await risk())!, /too many others/);
  });

  it('may tidy up meanwhile', async () => {
    let isOver = false;
    const churn = async (name: string) => {
      const folder = join(root, '.git/objects', name);
      while (!isOver) {
        await mkdir(join(folder, 'x'), { recursive: true });
        await rmdir(join(folder, 'x'));
        await rmdir(folder);
      }
    };
    const churning = Array.from({ length: 16 }, (_, index) => churn(`gone${index}`));
    const told = await Promise.all(Array.from({ length: 20 }, () => risk()));
    isOver = true;
    await Promise.all(churning);
    assert.deepEqual(new Set(told), new Set([null]));
  });

  describe('that does not answer', () => {
    const unanswered = async (expected: RegExp, folder = '', options = {}) =>
      assert.match((await risk(folder, options)) ?? '', expected);

    it('is told as what it is', async () => {
      await unanswered(/no folder of the workspace/, 'none');
      await unanswered(/no folder of the workspace/, '..');
      writeFileSync(join(root, '.git/index'), 'DIRC');
      await unanswered(/git does not say/);
      process.env = { ...environment, PATH: '/nowhere' };
      await unanswered(/git is missing/);
    });

    it('has one time for all that it is asked', async () => {
      replaceGit('exec sleep 30');
      const start = performance.now();
      await unanswered(/took too long/, '', { timeoutMs: 100 });
      assert.ok(performance.now() - start < 10_000);
    });

    it('does not keep a stop waiting, nor does what it has started', async () => {
      replaceGit(`touch ${mark}; sleep 30; true`);
      const stop = new AbortController();
      const start = performance.now();
      const asked = risk('', { signal: stop.signal });
      while (!existsSync(mark)) await new Promise(resolve => setTimeout(resolve, 5));
      stop.abort();
      await assert.rejects(asked, error => error instanceof MoebiusError && error.code === 'cancelled');
      assert.ok(performance.now() - start < 10_000);
    });

    it('hides no mistake of this program', async () => {
      const folders = await WorkspaceFolders.open([root]);
      folders.toPath = () => assert.fail('a mistake');
      const outside = join(base, 'outside');
      repository(outside, { 'b.txt': 'one\n' });
      rmSync(join(root, '.git'), { recursive: true });
      writeFileSync(join(root, '.git'), `gitdir: ${realpathSync(outside)}/.git\n`);
      await assert.rejects(gitRisk(folders, '', false), /a mistake/);
    });
  });
});
