import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { inFolder, isInside, openFile, WorkspaceFolders } from '../../../src/workspace/folders.ts';
import { lineSearch } from '../../../src/workspace/grep.ts';
import { refuseDisguise } from '../../../src/workspace/guards.ts';
import { NodeWorkspace } from '../../../src/workspace/node-workspace.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const FILES = {
  '.gitignore': 'dist/\n*.log\n!keep.log\n',
  'src/a.ts': 'const a = 1;\nconst b = a + 1;\n',
  'src/deep/b.ts': 'import a from "../a";\n',
  'src/.gitignore': 'private.ts\n',
  'src/private.ts': 'const a = "hidden";\n',
  'dist/out.ts': 'const a = 1;\n',
  'x.log': 'const a\n',
  'keep.log': 'kept\n',
  'node_modules/m/index.ts': 'const a\n',
  '.git/config': 'const a\n',
  '.env': 'const a = SECRET\n',
  'data.bin': new Uint8Array([0, 1, 2, 3]),
};
async function open(files: Record<string, string | Uint8Array> = FILES) {
  const root = tempFolder(files);
  const folders = await WorkspaceFolders.open([root]);
  return { root, folders, workspace: new NodeWorkspace(folders) };
}

describe('searching the workspace', () => {
  it('lists a folder, and what is below it, without what is ignored', async () => {
    const { workspace } = await open();
    const names = async (path: string, recursive: boolean) =>
      (await workspace.list(path, { recursive, limit: 100 })).map(entry => entry.path);
    assert.deepEqual(await names('.', false), ['.env', '.gitignore', 'data.bin', 'keep.log', 'src']);
    assert.deepEqual(await names('src', true), ['src/.gitignore', 'src/a.ts', 'src/deep', 'src/deep/b.ts']);
    const [first] = await workspace.list('src/deep', { recursive: false, limit: 1 });
    assert.deepEqual(first, { path: 'src/deep/b.ts', kind: 'file', sizeBytes: 22 });
    await assert.rejects(workspace.list('nowhere', { recursive: false, limit: 1 }), { code: 'not-found' });
    await assert.rejects(workspace.list('src/a.ts', { recursive: false, limit: 1 }), { code: 'bad-request' });
  });

  it('leaves out what the repository above the opened folder ignores, and no more', async () => {
    const files = {
      '.git/config': '',
      '.git/info/exclude': 'mine.ts\n',
      '.gitignore': 'dist/\n/packages/app/cache/\n*.log\nnested/\n',
      'packages/.gitignore': '!keep.log\n',
      'packages/app/a.ts': '',
      'packages/app/mine.ts': '',
      'packages/app/x.log': '',
      'packages/app/keep.log': '',
      'packages/app/dist/out.ts': '',
      'packages/app/cache/c.ts': '',
      'packages/app/src/cache/d.ts': '',
      'nested/a.log': '',
      'other/.git/config': '',
      'other/a.log': '',
    };
    const root = tempFolder(files);
    const found = async (folder: string) =>
      new NodeWorkspace(await WorkspaceFolders.open([join(root, folder)])).find('**', 20);
    assert.deepEqual(await found('packages/app'), ['a.ts', 'keep.log', 'src/cache/d.ts']);
    assert.deepEqual(await found('nested'), ['a.log'], 'a folder that is ignored itself');
    assert.deepEqual(await found('other'), ['a.log'], 'a repository of its own');
    rmSync(join(root, '.git'), { recursive: true });
    assert.ok((await found('packages/app')).includes('x.log'), 'no repository');
  });

  it('finds by glob', async () => {
    const { workspace } = await open();
    assert.deepEqual(await workspace.find('*.ts', 10), ['src/a.ts', 'src/deep/b.ts']);
    assert.deepEqual(await workspace.find('src/*.ts', 10), ['src/a.ts']);
    assert.deepEqual(await workspace.find('**/*.{ts,log}', 2), ['keep.log', 'src/a.ts']);
    assert.deepEqual(await workspace.find('{*.ts,*.tsx,*.js,*.jsx}', 1), ['src/a.ts']);
    for (const glob of [
      '',
      'a*b*c*d*',
      '*a{*b*,c}*',
      '**/a/**/b/**/c/**',
      '{a,b}'.repeat(5),
      '{*x*/*x*/*x*,*a*a*a*a}',
      '\\{*a,*a,*a,*a\\}',
      '[a]{b,c}',
      'a**b**c**d*',
    ])
      await assert.rejects(workspace.find(glob, 1), { code: 'bad-request' });
  });

  it('finds lines, in no secret and no binary file', async () => {
    const { workspace } = await open();
    assert.deepEqual(await workspace.grep({ pattern: 'const a', isRegExp: false, limit: 10 }), [
      { path: 'src/a.ts', line: 1, text: 'const a = 1;' },
    ]);
    const found = await workspace.grep({
      pattern: 'a\\b.*[1;]$',
      isRegExp: true,
      include: '*.ts',
      limit: 10,
    });
    assert.deepEqual(
      found.map(({ path, line }) => `${path}:${line}`),
      ['src/a.ts:1', 'src/a.ts:2', 'src/deep/b.ts:1'],
    );
    assert.equal((await workspace.grep({ pattern: 'a', isRegExp: false, limit: 1 })).length, 1);
  });

  it('stops a pattern that would take for ever, and names one that is none', () => {
    const slow = lineSearch('(a+)+$', true);
    assert.throws(() => slow(`${'a'.repeat(40)}!`, 1), { code: 'bad-request', message: /too long/ });
    assert.throws(() => lineSearch('(', true), { code: 'bad-request' });
    assert.throws(() => lineSearch('', false), { code: 'bad-request' });
    assert.deepEqual(lineSearch('(', false)('x(\r\n', 1), [[1, 'x(']]);
  });

  it('ends a line before its line end, also before that of Windows', () => {
    for (const end of ['\n', '\r\n']) {
      const text = ['a();', 'b', 'c();', ''].join(end);
      assert.deepEqual(lineSearch(';$', true)(text, 9), [
        [1, 'a();'],
        [3, 'c();'],
      ]);
      assert.deepEqual(lineSearch('^$', true)(text, 9), [[4, '']]);
      assert.deepEqual(lineSearch('b', false)(text, 9), [[2, 'b']]);
    }
  });

  it('takes a name as it is composed, and a look-alike for another file', async () => {
    const root = tempFolder({ 'cafe\u0301.md': 'in two', 'src/a.ts': 'latin' });
    const workspace = new NodeWorkspace(await WorkspaceFolders.open([root]));
    assert.equal((await workspace.read('cafe\u0301.md')).text, 'in two');
    // Some file systems find it under both spellings.
    const other = await workspace.read('caf\u00e9.md').catch(error => error);
    assert.ok(other.text === 'in two' || other.code === 'not-found');
    for (const path of ['src/\u0430.ts', 's\u0433c/a.ts'])
      await assert.rejects(workspace.read(path), { code: 'not-found' });
  });

  it('names its folders when there are several, also of the same name', async () => {
    const first = tempFolder({ 'app/a.txt': 'one' });
    const second = tempFolder({ 'app/a.txt': 'two' });
    const folders = await WorkspaceFolders.open([join(first, 'app'), join(second, 'app')]);
    const workspace = new NodeWorkspace(folders);
    assert.deepEqual(folders.names, ['app', 'app-2']);
    assert.deepEqual(folders.roots, ['app/', 'app-2/']);
    assert.deepEqual((await WorkspaceFolders.open([first])).roots, ['']);
    assert.equal((await workspace.read('app/a.txt')).text, 'one');
    assert.equal((await workspace.read('app-2/a.txt')).text, 'two');
    assert.deepEqual(await workspace.find('*.txt', 9), ['app-2/a.txt', 'app/a.txt']);
    assert.equal(folders.toPath(join(second, 'app', 'a.txt')), 'app-2/a.txt');
    await assert.rejects(workspace.read('a.txt'), { code: 'refused', message: /app, app-2/ });
  });

  it('knows its folders by the names that the user gave them, where these can be part of a path', async () => {
    const roots = Array.from({ length: 6 }, () => tempFolder({ 'a.txt': 'text' }));
    const given = ['API server', 'web/app', 'web:app', '~me. ', '..', '🚀'];
    const folders = await WorkspaceFolders.open(roots, given);
    assert.deepEqual(folders.names, ['API server', 'web-app', 'web-app-2', 'me', 'root', '🚀']);
    const workspace = new NodeWorkspace(folders);
    for (const [index, name] of folders.names.entries()) {
      assert.equal((await workspace.read(`${name}/a.txt`)).text, 'text');
      assert.equal(folders.toPath(join(roots[index]!, 'a.txt')), `${name}/a.txt`);
    }
    assert.deepEqual((await WorkspaceFolders.open([roots[0]!], ['API server'])).roots, ['']);
  });
});

describe('a folder of the workspace in another', () => {
  it('makes no secret and no protected file an ordinary one', async () => {
    const root = tempFolder({ '.github/workflows/ci.yml': '', '.aws/sso/token': '', '.aws/sso/b.ts': '' });
    const inner = ['.github/workflows', '.aws/sso'].map(path => join(root, path));
    for (const opened of [
      [root, ...inner],
      [...inner, root],
    ]) {
      const folders = await WorkspaceFolders.open(opened);
      const read = new NodeWorkspace(folders).read('sso/token');
      await assert.rejects(read, { code: 'refused', message: /passwords or keys/ });
      const workflow = await folders.resolve('workflows/ci.yml');
      assert.throws(() => refuseDisguise(folders, workflow), {
        message: /another name of .*\/\.github\/workflows\/ci\.yml/,
      });
      refuseDisguise(folders, await folders.resolve(`${basename(root)}/.github/workflows/ci.yml`));
    }
  });
});

describe('ignored folders', () => {
  it('are told in each folder of the workspace, also by a link that leads to one', async () => {
    const root = tempFolder({
      '.gitignore': 'out/\nAGENTS.md\n',
      'node_modules/foo/a.js': '',
      'out/b.js': '',
      'src/a.ts': '',
    });
    symlinkSync('node_modules/foo', join(root, 'linked'));
    const one = new NodeWorkspace(await WorkspaceFolders.open([root]));
    const several = new NodeWorkspace(await WorkspaceFolders.open([root, tempFolder()]));
    const name = (await WorkspaceFolders.open([root, tempFolder()])).names[0]!;
    const expected = {
      'node_modules/foo/': true,
      'out/': true,
      'linked/': true,
      'src/': false,
      'none/': false,
    };
    for (const [folder, isIgnored] of Object.entries(expected)) {
      assert.equal(await one.isIgnored(folder), isIgnored, folder);
      assert.equal(await several.isIgnored(`${name}/${folder}`), isIgnored, folder);
    }
    assert.equal(await several.isIgnored(`${name}/`), false);
    await assert.rejects(one.isIgnored('../'), { code: 'refused' });
  });
});

describe('paths of commands', () => {
  it('lead away through links, also through one that a pattern may stand for', async () => {
    const outside = tempFolder({ 'secret.txt': 'top' });
    const root = tempFolder({ '.env': 'KEY=1', '.gitignore': 'ignored', 'src/a.ts': 'a', 'src/b/c.ts': 'c' });
    symlinkSync(outside, join(root, 'src/ignored'));
    symlinkSync('a.ts', join(root, 'src/inside.ts'));
    symlinkSync('.env', join(root, 'notes.txt'));
    const workspace = new NodeWorkspace(await WorkspaceFolders.open([root]));
    const away = async (...paths: string[]) => {
      const found = await Promise.all(
        paths.map(async path => ((await workspace.leadsAway(path)) ? [path] : [])),
      );
      return found.flat();
    };
    const harmless = [
      '',
      '.',
      'src',
      'src/',
      'src/a.ts',
      'src/inside.ts',
      'src/b/*',
      'none',
      'none/*',
      '.env',
    ];
    assert.deepEqual(await away(...harmless), []);
    const bad = [
      'src/ignored',
      'src/ignored/secret.txt',
      'src/ignored/*',
      'src/*',
      'src/?gnored',
      'notes.txt',
      '*',
      '../x',
    ];
    assert.deepEqual(await away(...bad), bad);
  });
});

describe('what is not read', () => {
  it('secrets, binary files, folders, too large ones', async () => {
    const { workspace, root } = await open();
    await assert.rejects(workspace.read('.env'), { code: 'refused', message: /passwords or keys/ });
    await assert.rejects(workspace.read('data.bin'), { code: 'unsupported' });
    await assert.rejects(workspace.read('src'), { code: 'bad-request' });
    writeFileSync(join(root, 'big.txt'), Buffer.alloc(5 * 1024 * 1024, 'x'));
    await assert.rejects(workspace.read('big.txt'), { code: 'refused', message: /5\.0 MiB/ });
  });

  it('links that lead out, in circles, or to a secret under another name', async () => {
    const outside = tempFolder({ 'secret.txt': 'top', 'folder/x.txt': 'x' });
    const { workspace, root } = await open();
    symlinkSync(join(outside, 'secret.txt'), join(root, 'file-link'));
    symlinkSync(join(outside, 'folder'), join(root, 'folder-link'));
    symlinkSync('loop', join(root, 'loop'));
    symlinkSync('.env', join(root, 'notes.txt'));
    symlinkSync('src/a.ts', join(root, 'inside.ts'));
    for (const path of ['file-link', 'folder-link/x.txt', 'folder-link/../secret.txt', 'loop', 'notes.txt']) {
      await assert.rejects(
        workspace.read(path),
        (error: { code?: string }) => /refused|not-found/.test(error.code!),
        path,
      );
    }
    await assert.rejects(workspace.list('folder-link', { recursive: true, limit: 9 }), { code: 'refused' });
    assert.match((await workspace.read('inside.ts')).text, /const a/);
  });

  it('a pipe, without waiting for it', async function () {
    if (process.platform === 'win32') this.skip();
    const { workspace, root } = await open();
    execFileSync('mkfifo', [join(root, 'pipe')]);
    await assert.rejects(workspace.read('pipe'), { code: 'refused', message: /pipe/ });
    await assert.rejects(workspace.read('/dev/zero'), { code: 'refused' });
  });

  it('a file whose folder became a link after it was resolved', async () => {
    const outside = tempFolder({ 'a.ts': 'top secret' });
    const { folders, root } = await open();
    const resolved = await folders.resolve('src/a.ts');
    renameSync(join(root, 'src'), join(root, 'old'));
    symlinkSync(outside, join(root, 'src'));
    await assert.rejects(openFile(resolved), { code: 'refused' });
    await assert.rejects(
      inFolder(join(root, 'src'), async () => {}),
      { code: 'refused' },
    );
    const below = join(root, 'old', 'deep');
    mkdirSync(join(outside, 'deep'));
    renameSync(below, join(root, 'moved'));
    symlinkSync(join(outside, 'deep'), below);
    await assert.rejects(
      inFolder(below, async () => {}),
      { code: 'refused' },
    );
  });

  it('a file whose name is no UTF-8: it is told, the others are read and found, and no other is taken for it', async function () {
    if (process.platform !== 'linux') this.skip();
    const { root, workspace } = await open({ 'a.txt': 'needle\n' });
    const name = Buffer.concat([Buffer.from(`${root}/b`), Buffer.of(0xff, 0xfe), Buffer.from('.txt')]);
    writeFileSync(name, 'needle\n');
    const shown = 'b\ufffd\ufffd.txt';
    const listed = await workspace.list('', { recursive: true, limit: 10 });
    assert.deepEqual(
      listed.map(({ path }) => path),
      ['a.txt', shown],
    );
    assert.deepEqual(await workspace.find('*.txt', 10), ['a.txt', shown]);
    const hits = await workspace.grep({ pattern: 'needle', isRegExp: false, limit: 10 });
    assert.deepEqual(
      hits.map(({ path }) => path),
      ['a.txt'],
    );
    await assert.rejects(workspace.read(shown), (error: { code?: string }) => error.code === 'not-found');
  });

  it('knows a folder that was opened through a link by both of its paths, and judges by the real one', async () => {
    const outside = tempFolder({ 'x.ts': 'x' });
    const { root } = await open();
    const link = join(tempFolder(), 'link');
    symlinkSync(root, link);
    symlinkSync(outside, join(root, 'out'));
    const folders = await WorkspaceFolders.open([link]);
    for (const at of [root, link]) assert.equal(folders.toPath(join(at, 'src/a.ts')), 'src/a.ts');
    const { path, real, opened } = await folders.resolve(join(link, 'src/a.ts'));
    assert.deepEqual([path, real, opened], ['src/a.ts', join(root, 'src/a.ts'), join(link, 'src/a.ts')]);
    for (const path of [join(link, 'out/x.ts'), join(link, '../link-2/x.ts'), join(outside, 'x.ts')])
      await assert.rejects(folders.resolve(path), { code: 'refused' }, path);
    assert.equal(folders.toPath(join(link, '..')), null);

    const several = await WorkspaceFolders.open([link, outside]);
    const names = several.names;
    assert.equal(several.toPath(join(link, 'src/a.ts')), `${names[0]}/src/a.ts`);
    const through = await several.resolve(`${names[0]}/out/x.ts`);
    assert.equal(through.opened, join(outside, 'x.ts'), 'a link into another folder leads into that one');
    rmSync(link);
    symlinkSync(outside, link);
    const moved = await folders.resolve(join(link, 'src/a.ts'));
    assert.equal(moved.real, join(root, 'src/a.ts'), 'where the link leads later is not looked at');
  });

  it('takes an absolute path only inside', async () => {
    const { workspace, root } = await open();
    assert.equal((await workspace.read(join(root, 'src/a.ts'))).path, 'src/a.ts');
    await assert.rejects(workspace.read(`${root}-other/a.ts`), { code: 'refused' });
    assert.ok(!isInside('/a/b', '/a/bc'));
    assert.ok(isInside('/a/b', '/a/b/..c'));
  });
});
