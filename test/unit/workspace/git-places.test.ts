/** Repositories as they are and as an attacker would make them, with the real git: what it would run or print is asked for. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { judgeCommand } from '../../../src/agent/commands/judge.ts';
import { WorkspaceFolders } from '../../../src/workspace/folders.ts';
import { NodeTerminal } from '../../../src/workspace/node-terminal.ts';
import { NodeWorkspace } from '../../../src/workspace/node-workspace.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { arm, git, markingProgram, repository } from './git-support.ts';

const riskIn = async (root: string, folder = '', comparesFiles = false) =>
  new NodeWorkspace(await WorkspaceFolders.open([root])).gitRisk(folder, comparesFiles);

async function outputOf(root: string, command: string, cwd = ''): Promise<string> {
  const terminal = new NodeTerminal(await WorkspaceFolders.open([root]));
  return (await terminal.run({ command, cwd, timeoutMs: 20_000 })).output;
}

describe('a repository of git', function () {
  if (process.platform === 'win32') return;
  this.timeout(60_000);
  let base: string;
  let root: string;
  let mark: string;
  beforeEach(() => {
    base = tempFolder();
    root = join(base, 'root');
    mark = join(base, 'mark');
    repository(root, { 'a.txt': 'one\n' });
    writeFileSync(join(root, 'a.txt'), 'two\n');
    git(root, 'commit', '-qam', 'second');
    writeFileSync(join(root, 'a.txt'), 'three\n');
  });

  const configure = (text: string) => appendFileSync(join(root, '.git/config'), text);
  /** It has been shown that a program runs, or a text comes out: then it must be asked for. */
  const isAsked = async (folder: string, expected: RegExp) =>
    assert.match((await riskIn(root, folder)) ?? '', expected);
  const isRun = async (command: string, cwd = '') => {
    rmSync(mark, { force: true });
    await outputOf(root, command, cwd);
    assert.ok(existsSync(mark), command);
  };

  describe('is read unasked', () => {
    it('as it is made, copied and opened', async () => {
      mkdirSync(join(root, 'deep/er'), { recursive: true });
      git(base, 'clone', '-q', root, 'copy');
      git(base, 'clone', '-q', `file://${root}`, 'fetched');
      git(join(base, 'copy'), 'checkout', '-q', '--track', '-b', 'x/y', 'origin/main');
      for (const folder of [root, join(root, 'deep/er'), join(base, 'copy'), join(base, 'fetched')])
        assert.equal(await riskIn(folder), null, folder);
      for (const folder of ['deep', 'deep/er/']) assert.equal(await riskIn(root, folder), null);
      symlinkSync(root, join(base, 'link'));
      assert.equal(await riskIn(join(base, 'link')), null);
      git(root, 'sparse-checkout', 'set', '--cone', 'deep');
      assert.equal(await riskIn(root), null);
      git(base, 'init', '-q', 'empty');
      for (const folder of ['', 'copy', 'empty', 'link'])
        assert.equal(await riskIn(base, folder), null, folder);
    });

    it('with further work trees, inside and elsewhere', async () => {
      git(root, 'worktree', 'add', '-q', '-b', 'inner', 'tree');
      git(root, 'worktree', 'add', '-q', '-b', 'outer', '../outer');
      assert.equal(await riskIn(root, 'tree'), null);
      assert.equal(await riskIn(join(root, 'tree')), null);
      assert.equal(await riskIn(join(base, 'outer')), null);
      assert.equal(await riskIn(root), null);
    });

    it('with submodules, from above and in them', async () => {
      repository(join(base, 'library'), { 'b.txt': 'one\n' });
      git(root, 'submodule', '--quiet', 'add', join(base, 'library'), 'lib/sub');
      git(root, 'commit', '-qm', 'submodule');
      for (const folder of ['', 'lib', 'lib/sub']) assert.equal(await riskIn(root, folder), null, folder);
      assert.equal(await riskIn(join(root, 'lib/sub')), null);
      git(base, 'clone', '-q', root, 'bare-of-them');
      assert.equal(await riskIn(join(base, 'bare-of-them')), null);
      git(base, 'clone', '-q', '--recurse-submodules', root, 'with-them');
      for (const folder of ['', 'lib/sub']) assert.equal(await riskIn(join(base, 'with-them'), folder), null);
    });

    it('with hooks, also of git-lfs and in a folder that is configured', async () => {
      symlinkSync('../../a.txt', join(root, '.git/hooks/pre-commit'));
      configure(
        '[lfs]\n\trepositoryformatversion = 0\n[lfs "https://x.org/a.git/info/lfs"]\n\tlocksverify = true\n',
      );
      assert.equal(await riskIn(root), null);
      git(root, 'config', 'core.hooksPath', '.husky/_');
      assert.equal(await riskIn(root), null);
    });
  });

  it('is asked for where there is none and git compares any files', async () => {
    const folder = tempFolder({ 'a/x': '', 'conf/.env': 'TOKEN=hunter2\n' });
    assert.match(await outputOf(folder, 'git diff a conf'), /hunter2/);
    assert.match((await riskIn(folder, '', true))!, /compares any files here/);
    assert.equal(await riskIn(folder), null);
    assert.equal(await riskIn(root, '', true), null);
    const compares = (command: string) => judgeCommand(command).comparesFiles;
    for (const command of ['git diff a conf', 'git diff --stat -- a conf', 'ls && git diff a -- -b'])
      assert.equal(compares(command), true, command);
    for (const command of ['git diff', 'git diff --stat HEAD', 'git log a b'])
      assert.equal(compares(command), false, command);
  });

  it('is asked for where its configuration names what shows manuals', async () => {
    configure(`[help]\n\tformat = man\n[man]\n\tviewer = x\n[man "x"]\n\tcmd = ${markingProgram(mark)}\n`);
    await isRun('git log --help');
    await isAsked('', /help\.format/);
    assert.notEqual(judgeCommand('git log --help').verdict, 'free');
  });

  it('is asked for where what it lacks is fetched', async () => {
    const blob = git(root, 'rev-parse', 'HEAD~1:a.txt').trim();
    git(base, 'clone', '-q', '--bare', root, 'server');
    rmSync(join(root, '.git/objects', blob.slice(0, 2), blob.slice(2)));
    configure('[core]\n\trepositoryformatversion = 1\n[extensions]\n\tpartialClone = origin\n');
    configure(`[remote "origin"]\n\turl = ${join(base, 'server')}\n\tuploadpack = ${markingProgram(mark)}\n`);
    await isRun('git log -p');
    git(root, 'config', '--unset', 'remote.origin.uploadpack');
    await isAsked('', /extensions\.partialclone/);
    git(root, 'config', '--unset', 'extensions.partialClone');
    await isAsked('', /remote\.\*\.partialclonefilter/);
    git(root, 'config', '--unset', 'remote.origin.partialCloneFilter');
    git(root, 'config', 'remote.origin.promisor', 'true');
    await isAsked('', /remote\.\*\.promisor/);
  });

  it('is asked for where its git folder has a line break in its name', async () => {
    cpSync(join(root, '.git'), join(root, '.g'), { recursive: true });
    arm(root, mark);
    renameSync(join(root, '.git'), join(root, '.g\nevil'));
    writeFileSync(join(root, '.git'), 'gitdir: .g\nevil\n');
    await isRun('git diff');
    await isAsked('', /no plain text/);
  });

  it('is asked for where the shared git folder has a blank at the end of its name', async () => {
    cpSync(join(root, '.git'), join(root, 'ok'), { recursive: true });
    arm(root, mark);
    cpSync(join(root, '.git'), join(root, 'ok '), { recursive: true });
    cpSync(join(root, 'ok/config'), join(root, '.git/config'));
    writeFileSync(join(root, '.git/commondir'), '../ok \n');
    await isRun('git diff');
    await isAsked('', /diff\.external|filter\.\*\.clean/);
  });

  it('is asked for where names are no text', async function () {
    if (process.platform !== 'linux') return this.skip();
    const shell = (script: string) => execFileSync('bash', ['-c', script], { cwd: root, stdio: 'pipe' });
    repository(join(root, 'sub'), { 'b.txt': 'one\n' });
    arm(join(root, 'sub'), mark);
    writeFileSync(join(root, 'sub/b.txt'), 'two\n');
    shell(`mv sub $'s\\xff'; git add $'s\\xff' 2>/dev/null`);
    await isRun('git status');
    await isAsked('', /no plain text/);
    git(root, 'reset', '-q', '--hard');
    assert.equal(await riskIn(root), null);
    arm(root, mark);
    writeFileSync(join(root, 'a.txt'), 'four\n');
    shell(`mv .git $'.g\\xff'; printf 'gitdir: .g\\xff\\n' > .git`);
    await isRun('git diff');
    await isAsked('', /no plain text/);
  });

  it('is asked for behind a link into another one', async () => {
    const inner = join(root, 'x');
    repository(inner, { 'b.txt': 'one\n' });
    mkdirSync(join(inner, 'y'));
    writeFileSync(join(inner, 'b.txt'), 'two\n');
    arm(inner, mark);
    symlinkSync('x/y', join(root, 'link'));
    await isRun('cd link && git diff');
    await isRun('git diff', 'link');
    for (const folder of ['x', 'x/y', 'link', 'link/'])
      await isAsked(folder, /diff\.external|filter\.\*\.clean/);
    assert.equal(await riskIn(root), null);
  });

  it('is asked for where its git folder is outside', async () => {
    const outside = join(base, 'outside');
    repository(outside, { 'secret.txt': 'private\n' });
    git(outside, 'worktree', 'add', '-q', '-b', 'other', '../other');
    const first = root;
    const places: Record<string, (folder: string) => void> = {
      link: folder => symlinkSync('../outside/.git', join(folder, '.git')),
      file: folder => writeFileSync(join(folder, '.git'), 'gitdir: ../outside/.git\n'),
      'of a further tree': folder =>
        writeFileSync(join(folder, '.git'), 'gitdir: ../outside/.git/worktrees/other\n'),
      'shared one': folder => {
        cpSync(join(first, '.git'), join(folder, '.git'), { recursive: true });
        writeFileSync(join(folder, '.git/commondir'), '../../outside/.git\n');
      },
      'shared one of a further tree': folder => {
        cpSync(join(outside, '.git/worktrees/other'), join(folder, 'worktrees/x'), { recursive: true });
        writeFileSync(join(folder, 'worktrees/x/gitdir'), `${join(folder, '.git')}\n`);
        writeFileSync(join(folder, 'worktrees/x/commondir'), join(outside, '.git'));
        writeFileSync(join(folder, '.git'), 'gitdir: worktrees/x\n');
      },
    };
    for (const [name, make] of Object.entries(places)) {
      root = join(base, name);
      mkdirSync(root);
      make(root);
      assert.match(await outputOf(root, 'git show main'), /private/, name);
      await isAsked('', /git folder of this repository is elsewhere/);
    }
  });

  it('is asked for where its objects or its notes are outside', async () => {
    const outside = join(base, 'outside');
    const objects = join(root, '.git/objects');
    // Its hash begins as none of the objects' here, which the time of the commits decides.
    const secret = Array.from({ length: 20 }, (_, i) => `private words ${i}\n`).find(
      text => !existsSync(join(objects, blobHash(text).slice(0, 2))),
    )!;
    repository(outside, { 'secret.txt': secret });
    const hash = git(outside, 'rev-parse', 'HEAD:secret.txt').trim();
    const show = () => outputOf(root, `git show ${hash.slice(0, 7)}`);

    writeFileSync(join(objects, 'info/alternates'), `${join(outside, '.git/objects')}\n`);
    assert.match(await show(), /private/);
    await isAsked('', /takes files from another one/);
    rmSync(join(objects, 'info/alternates'));

    symlinkSync(join(outside, '.git/objects', hash.slice(0, 2)), join(objects, hash.slice(0, 2)));
    assert.match(await show(), /private/);
    await isAsked('', /takes files from another one/);
    rmSync(join(objects, hash.slice(0, 2)));
    assert.equal(await riskIn(root), null);

    writeFileSync(join(base, 'key'), 'private\n');
    mkdirSync(join(root, '.git/rebase-merge'));
    writeFileSync(join(root, '.git/rebase-merge/interactive'), '');
    symlinkSync(join(base, 'key'), join(root, '.git/rebase-merge/git-rebase-todo'));
    writeFileSync(join(root, '.git/rebase-merge/done'), '');
    assert.match(await outputOf(root, 'git status'), /private/);
    await isAsked('', /takes files from another one/);
  });

  it('is asked for where blame prints another file', async () => {
    writeFileSync(join(base, 'key'), 'private\n');
    symlinkSync('../key', join(root, 'link'));
    assert.match(await outputOf(root, 'git blame -Slink a.txt'), /private/);
    assert.notEqual(judgeCommand('git blame -Slink a.txt').verdict, 'free');
    git(root, 'config', 'blame.ignoreRevsFile', join(base, 'key'));
    assert.match(await outputOf(root, 'git blame a.txt'), /private/);
    await isAsked('', /blame\.ignorerevsfile/);
  });

  it('is asked for inside a git folder, which newer versions take for a repository', async () => {
    mkdirSync(join(root, '.git/modules'));
    cpSync(join(root, '.git'), join(base, 'm'), { recursive: true });
    renameSync(join(base, 'm'), join(root, '.git/modules/m'));
    for (const tree of [null, '../../..', root]) {
      if (tree) git(join(root, '.git/modules/m'), 'config', 'core.worktree', tree);
      appendFileSync(join(root, '.git/modules/m/config'), '[diff]\n\texternal = x\n');
      for (const folder of ['.git', '.git/modules/m', '.git/modules', '.git/objects'])
        await isAsked(folder, /git does not say|files in another folder/);
    }
  });

  it('is looked at without what its index has but git does not enter', async () => {
    const inner = join(root, 'sub');
    repository(inner, { 'b.txt': 'one\n' });
    git(root, 'add', 'sub');
    arm(inner, mark);
    await isAsked('', /filter\.\*\.clean/);
    rmSync(join(inner, '.git'), { recursive: true });
    assert.equal(await riskIn(root), null);
    rmSync(inner, { recursive: true });
    assert.equal(await riskIn(root), null);
  });
});

const blobHash = (text: string): string =>
  createHash('sha1').update(`blob ${text.length}\0${text}`).digest('hex');
