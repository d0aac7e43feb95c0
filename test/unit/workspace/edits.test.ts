import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import promises from 'node:fs/promises';
import { join } from 'node:path';
import { searchReplace } from '../../../src/agent/edits/search-replace.ts';
import type { FileChange } from '../../../src/agent/ports.ts';
import { Checkpoints } from '../../../src/workspace/checkpoints.ts';
import { WorkspaceFolders } from '../../../src/workspace/folders.ts';
import { NodeEdits, nodeFileStates } from '../../../src/workspace/node-edits.ts';
import { NodeWorkspace } from '../../../src/workspace/node-workspace.ts';
import { evalPath, evalRecords } from '../../support/eval-data.ts';
import { tempFolder } from '../../support/temp-folder.ts';

async function open(files: Record<string, string | Uint8Array>, capBytes = 1e6) {
  const root = tempFolder(files);
  const folders = await WorkspaceFolders.open([root]);
  const workspace = new NodeWorkspace(folders);
  const checkpoints = new Checkpoints(tempFolder(), nodeFileStates(folders), capBytes);
  const edits = new NodeEdits(folders, checkpoints);
  const replace = async (path: string, oldText: string, newText: string): Promise<FileChange> => {
    const { text, version } = await workspace.read(path);
    const found = searchReplace(text, { oldText, newText });
    assert.ok(found.ok, found.ok ? '' : found.message);
    return { kind: 'edit', path, version, replacements: found.replacements };
  };
  const content = (path: string): string => readFileSync(join(root, path), 'utf8');
  return { root, folders, workspace, checkpoints, edits, replace, content };
}
const code = (expected: string) => (error: { code?: string }) => error.code === expected;

/** Runs `work` while the n-th call that writes, or opens, finds the disk full. */
async function withFullDisk<T>(nth: number, work: () => Promise<T>): Promise<T> {
  const names = ['open', 'writeFile', 'rename', 'mkdir', 'rm'] as const;
  const originals = names.map(name => [name, promises[name]] as const);
  let calls = 0;
  const isFull = (): boolean => ++calls === nth;
  const full = (): Error => Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
  for (const [name, original] of originals) {
    const call = async (...args: unknown[]): Promise<unknown> => {
      if (isFull()) throw full();
      const result = await Reflect.apply(original as (...args: unknown[]) => unknown, promises, args);
      if (name === 'open') {
        const handle = result as promises.FileHandle;
        const write = handle.writeFile.bind(handle);
        handle.writeFile = async (...data: Parameters<typeof write>) => {
          if (isFull()) throw full();
          return write(...data);
        };
      }
      return result;
    };
    Object.assign(promises, { [name]: call });
  }
  try {
    return await work();
  } finally {
    Object.assign(promises, Object.fromEntries(originals));
  }
}

interface CorpusRecord {
  id: string;
  file: string;
  handling: 'edit' | 'edit-or-refuse' | 'refuse' | 'open';
  sha256: string;
  find: string | null;
  replace: string | null;
  sha256_after: string | null;
}

describe('edits on disk: the encoding corpus, byte for byte', () => {
  for (const record of evalRecords<CorpusRecord>('encoding_corpus/manifest.jsonl') ?? []) {
    it(`${record.id} (${record.handling})`, async () => {
      const name = record.file.replace('files/', '');
      const { root, workspace, edits } = await open({
        [name]: readFileSync(evalPath(`encoding_corpus/${record.file}`)),
      });
      const hash = () =>
        createHash('sha256')
          .update(readFileSync(join(root, name)))
          .digest('hex');
      assert.equal(hash(), record.sha256, 'the data set is damaged');
      const read = await workspace.read(name).catch((error: Error) => error);
      if (read instanceof Error) {
        assert.notEqual(record.handling, 'edit', read.message);
        assert.match(read.message, /binary|UTF-8/);
        assert.equal(hash(), record.sha256);
        return;
      }
      assert.notEqual(record.handling, 'refuse');
      if (record.find === null) return;
      const found = searchReplace(read.text, { oldText: record.find, newText: record.replace! });
      assert.ok(found.ok, found.ok ? '' : found.message);
      await edits.apply(
        [{ kind: 'edit', path: name, version: read.version, replacements: found.replacements }],
        't',
      );
      assert.equal(hash(), record.sha256_after);
    });
  }
});

describe('edits on disk', () => {
  it('changes, creates and deletes in one set, and says how many lines', async () => {
    const { edits, replace, workspace, root, content } = await open({
      'a.txt': 'one\ntwo\n',
      'b.txt': 'bye\n',
    });
    const changed = await edits.apply(
      [
        await replace('a.txt', 'two', 'TWO\nthree'),
        { kind: 'create', path: 'new/deep/c.txt', text: 'hi\n' },
        { kind: 'delete', path: 'b.txt', version: (await workspace.read('b.txt')).version },
      ],
      't1',
    );
    assert.deepEqual(changed, [
      { path: 'a.txt', kind: 'edit', addedLines: 2, removedLines: 1 },
      { path: 'new/deep/c.txt', kind: 'create', addedLines: 1, removedLines: 0 },
      { path: 'b.txt', kind: 'delete', addedLines: 0, removedLines: 1 },
    ]);
    assert.equal(content('a.txt'), 'one\nTWO\nthree\n');
    assert.equal(content('new/deep/c.txt'), 'hi\n');
    assert.ok(!existsSync(join(root, 'b.txt')));
  });

  it('refuses a set of which one file is stale, and leaves no trace', async () => {
    const { edits, replace, root, content } = await open({ 'a.txt': 'one\n', 'b.txt': 'two\n' });
    const changes = [
      await replace('a.txt', 'one', '1'),
      { kind: 'create' as const, path: 'x/y.txt', text: '' },
      await replace('b.txt', 'two', '2'),
    ];
    writeFileSync(join(root, 'b.txt'), 'changed\n');
    await assert.rejects(edits.apply(changes, 't'), code('stale'));
    assert.equal(content('a.txt'), 'one\n');
    assert.deepEqual(readdirSync(root).sort(), ['a.txt', 'b.txt']);
  });

  it('takes back what was written when a later file fails', async () => {
    const { edits, replace, root, content } = await open({ 'a.txt': 'one\n', 'd/b.txt': 'two\n' });
    const changes = [
      await replace('a.txt', 'one', '1'),
      // Its folder is a file: found out only when the folder is to be made.
      { kind: 'create' as const, path: 'new/c.txt', text: 'c' },
    ];
    writeFileSync(join(root, 'new'), 'in the way');
    await assert.rejects(edits.apply(changes, 't'));
    assert.equal(content('a.txt'), 'one\n');
    assert.deepEqual(readdirSync(root).sort(), ['a.txt', 'd', 'new']);
  });

  it('keeps the mode, the link and a hard link elsewhere', async () => {
    const outside = tempFolder({ 'hard.txt': 'one\n' });
    const { edits, replace, root, content } = await open({ 'run.sh': 'echo one\n' });
    chmodSync(join(root, 'run.sh'), 0o751);
    symlinkSync('run.sh', join(root, 'link.sh'));
    linkSync(join(outside, 'hard.txt'), join(root, 'hard.txt'));
    await edits.apply([await replace('link.sh', 'one', 'two')], 't');
    await edits.apply([await replace('hard.txt', 'one', 'two')], 't');
    assert.ok(lstatSync(join(root, 'link.sh')).isSymbolicLink());
    assert.equal(content('run.sh'), 'echo two\n');
    assert.equal(statSync(join(root, 'run.sh')).mode & 0o777, 0o751);
    assert.equal(readFileSync(join(outside, 'hard.txt'), 'utf8'), 'one\n');
  });

  const refused: [string, (root: string, outside: string) => FileChange, string][] = [
    ['a file that exists', () => ({ kind: 'create', path: 'a.txt', text: '' }), 'bad-request'],
    ['a path upwards', () => ({ kind: 'create', path: '../x.txt', text: '' }), 'refused'],
    ['an absolute path', () => ({ kind: 'create', path: '/tmp/moebius-x.txt', text: '' }), 'refused'],
    ['a file behind a linked folder', () => ({ kind: 'create', path: 'out/new.txt', text: '' }), 'refused'],
    ['a file that is missing', () => ({ kind: 'delete', path: 'no.txt', version: '' }), 'not-found'],
    ['a dangling link', () => ({ kind: 'create', path: 'dangling', text: '' }), 'refused'],
    ['a file with secrets', () => ({ kind: 'create', path: '.env', text: 'A=1' }), 'refused'],
    ['a link to a protected file', () => ({ kind: 'delete', path: 'innocent.json', version: '' }), 'refused'],
    ['half a character', () => ({ kind: 'create', path: 'x.txt', text: '\ud800' }), 'bad-request'],
  ];
  for (const [what, change, expected] of refused) {
    it(`refuses ${what}`, async () => {
      const outside = tempFolder();
      const { edits, root } = await open({ 'a.txt': 'one\n', '.vscode/settings.json': '{}' });
      symlinkSync(outside, join(root, 'out'));
      symlinkSync(join(outside, 'nothing'), join(root, 'dangling'));
      symlinkSync('.vscode/settings.json', join(root, 'innocent.json'));
      await assert.rejects(edits.apply([change(root, outside)], 't'), code(expected));
      assert.deepEqual(readdirSync(outside), []);
    });
  }

  it('leaves everything as it was, whichever call of the file system finds the disk full', async () => {
    let fails = 0;
    for (let nth = 1; ; nth++) {
      const { edits, replace, workspace, root, content } = await open({
        'a.txt': 'one\n',
        'b.txt': 'two\n',
        'c.txt': 'x',
      });
      const changes: FileChange[] = [
        await replace('a.txt', 'one', '1'),
        { kind: 'create', path: 'new/deep/n.txt', text: 'n' },
        { kind: 'delete', path: 'c.txt', version: (await workspace.read('c.txt')).version },
        await replace('b.txt', 'two', '2'),
      ];
      const error = await withFullDisk(nth, () =>
        edits.apply(changes, 't').then(
          () => null,
          (thrown: Error) => thrown,
        ),
      );
      if (!error) {
        assert.deepEqual([content('a.txt'), content('b.txt')], ['1\n', '2\n']);
        break;
      }
      fails++;
      assert.deepEqual(
        [content('a.txt'), content('b.txt'), content('c.txt')],
        ['one\n', 'two\n', 'x'],
        `call ${nth}`,
      );
      assert.deepEqual(readdirSync(root).sort(), ['a.txt', 'b.txt', 'c.txt'], `call ${nth}`);
    }
    assert.ok(fails > 15, `${fails}`);
  });

  it('allows a link between two protected names', async () => {
    const { edits, replace, root, content } = await open({ 'AGENTS.md': 'one\n' });
    symlinkSync('AGENTS.md', join(root, 'CLAUDE.md'));
    await edits.apply([await replace('CLAUDE.md', 'one', 'two')], 't');
    assert.equal(content('AGENTS.md'), 'two\n');
  });

  it('changes a notebook as the text that it is: every other byte stays', async () => {
    const notebook = [
      '{',
      ' "cells": [',
      '  {"cell_type": "code", "execution_count": 3, "metadata": {"\\u00fc": 1e2},',
      '   "outputs": [{"data": {"image/png": "iVBORw0KGgo=\\n"}}],',
      '   "source": ["import numpy as np\\n", "x = np.zeros(3)\\t# \\ud83d\\ude00"]}',
      ' ], "nbformat": 4, "nbformat_minor": 5}',
    ].join('\r\n');
    const { edits, replace, content } = await open({ 'a.ipynb': notebook });
    await edits.apply([await replace('a.ipynb', 'np.zeros(3)', 'np.ones(3)')], 't');
    assert.equal(content('a.ipynb'), notebook.replace('np.zeros(3)', 'np.ones(3)'));
    assert.equal(JSON.parse(content('a.ipynb')).cells[0].source[1], 'x = np.ones(3)\t# \u{1f600}');
  });

  it('refuses a read-only file and two changes of one file', async () => {
    const { edits, replace, root } = await open({ 'a.txt': 'one two\n', 'b.txt': 'x\n' });
    symlinkSync('a.txt', join(root, 'same.txt'));
    const twice = [await replace('a.txt', 'one', '1'), await replace('same.txt', 'two', '2')];
    await assert.rejects(edits.apply(twice, 't'), code('bad-request'));
    chmodSync(join(root, 'b.txt'), 0o444);
    await assert.rejects(edits.apply([await replace('b.txt', 'x', 'y')], 't'), code('refused'));
  });
});

describe('checkpoints', () => {
  it('undo gives back what a turn changed, created and deleted', async () => {
    const { edits, replace, workspace, checkpoints, root, content } = await open({
      'a.txt': 'one\n',
      'b.txt': 'bye\n',
    });
    chmodSync(join(root, 'b.txt'), 0o755);
    await edits.apply([await replace('a.txt', 'one', 'two')], 't1');
    await edits.apply([await replace('a.txt', 'two', 'three')], 't1');
    await edits.apply([{ kind: 'create', path: 'new.txt', text: 'x' }], 't1');
    await edits.apply(
      [{ kind: 'delete', path: 'b.txt', version: (await workspace.read('b.txt')).version }],
      't1',
    );
    const result = await checkpoints.undo('t1');
    assert.deepEqual(result, { restored: ['a.txt', 'new.txt', 'b.txt'], conflicts: [], lost: [] });
    assert.equal(content('a.txt'), 'one\n');
    assert.ok(!existsSync(join(root, 'new.txt')));
    assert.equal(content('b.txt'), 'bye\n');
    assert.equal(statSync(join(root, 'b.txt')).mode & 0o777, 0o755);
  });

  it('keeps what the user changed meanwhile, and says so; the user may give it up without losing it', async () => {
    const { edits, replace, checkpoints, root, content } = await open({ 'a.txt': 'one\n', 'b.txt': 'x\n' });
    await edits.apply([await replace('a.txt', 'one', 'two'), await replace('b.txt', 'x', 'y')], 't1');
    writeFileSync(join(root, 'a.txt'), 'mine\n');
    assert.deepEqual(await checkpoints.undo('t1'), { restored: ['b.txt'], conflicts: ['a.txt'], lost: [] });
    assert.equal(content('a.txt'), 'mine\n');
    assert.deepEqual(await checkpoints.undo('t1', ['a.txt']), {
      restored: ['a.txt'],
      conflicts: [],
      lost: [],
    });
    assert.equal(content('a.txt'), 'one\n');
    const last = (await checkpoints.turns()).at(-1)!;
    await checkpoints.undo(last.id);
    assert.equal(content('a.txt'), 'mine\n');
  });

  it('keeps what the user changed between two changes of a turn, unless they give it up', async () => {
    const { edits, replace, checkpoints, root, content } = await open({ 'a.txt': 'one\n', 'b.txt': 'x\n' });
    await edits.apply([await replace('a.txt', 'one', 'two'), await replace('b.txt', 'x', 'y')], 't1');
    writeFileSync(join(root, 'a.txt'), 'two\nmine\n');
    await edits.apply([await replace('a.txt', 'two', 'three'), await replace('b.txt', 'y', 'z')], 't1');
    assert.deepEqual(await checkpoints.undo('t1'), { restored: ['b.txt'], conflicts: ['a.txt'], lost: [] });
    assert.deepEqual([content('a.txt'), content('b.txt')], ['three\nmine\n', 'x\n']);
    await checkpoints.undo('t1', ['a.txt']);
    assert.equal(content('a.txt'), 'one\n');
    // From here on there is only the agent's work again.
    await edits.apply([await replace('a.txt', 'one', 'four')], 't1');
    assert.deepEqual((await checkpoints.undo('t1')).conflicts, []);
  });

  it('keeps what the user wrote into a file that the turn created', async () => {
    const { edits, replace, checkpoints, workspace, root } = await open({});
    await edits.apply([{ kind: 'create', path: 'n', text: 'a' }], 't1');
    const { version } = await workspace.read('n');
    await edits.apply([{ kind: 'delete', path: 'n', version }], 't1');
    await edits.apply([{ kind: 'create', path: 'n', text: 'b' }], 't1');
    assert.deepEqual(await checkpoints.undo('t1'), { restored: ['n'], conflicts: [], lost: [] });
    await edits.apply([{ kind: 'create', path: 'n', text: 'a' }], 't2');
    writeFileSync(join(root, 'n'), 'a mine');
    await edits.apply([await replace('n', 'a', 'b')], 't2');
    assert.deepEqual((await checkpoints.undo('t2')).conflicts, ['n']);
  });

  it('knows which turns still stand', async () => {
    const { edits, replace, checkpoints, root } = await open({ 'a.txt': '0\n', 'b.txt': '0\n' });
    for (const turn of [1, 2, 3]) {
      const changes = ['a.txt', 'b.txt'].map(path => replace(path, String(turn - 1), String(turn)));
      await edits.apply(await Promise.all(changes), `t${turn}`);
      await new Promise(resolve => setTimeout(resolve, 2));
    }
    const standing = async () =>
      (await checkpoints.turns()).filter(({ isStanding }) => isStanding).map(({ id }) => id);
    assert.deepEqual(await standing(), ['t1', 't2', 't3']);
    await checkpoints.undo('t3', [], ['a.txt']);
    assert.deepEqual(await standing(), ['t1', 't2', 't3'], 'half of it is there');
    await checkpoints.undo('t3');
    assert.deepEqual(await standing(), ['t1', 't2']);
    writeFileSync(join(root, 'a.txt'), 'mine\n');
    await checkpoints.undo('t2');
    assert.deepEqual(await standing(), ['t1', 't2'], 'a file is kept');
    await checkpoints.close('t2');
    assert.deepEqual(await standing(), ['t1']);
  });

  it('restores the state before a turn, later turns included', async () => {
    const { edits, replace, checkpoints, content } = await open({ 'a.txt': '0\n' });
    for (const turn of [1, 2, 3]) {
      await edits.apply([await replace('a.txt', String(turn - 1), String(turn))], `t${turn}`);
      await new Promise(resolve => setTimeout(resolve, 2));
    }
    await checkpoints.restore('t2');
    assert.equal(content('a.txt'), '1\n');
  });

  it('stays under its cap by forgetting the oldest turn', async () => {
    const { edits, checkpoints, workspace } = await open({}, 3000);
    for (const turn of [1, 2, 3, 4]) {
      await edits.apply([{ kind: 'create', path: `f${turn}`, text: String(turn).repeat(1000) }], `t${turn}`);
      await new Promise(resolve => setTimeout(resolve, 2));
    }
    assert.ok((await checkpoints.sizeBytes()) <= 3000);
    assert.deepEqual(
      (await checkpoints.turns()).map(({ id }) => id),
      ['t2', 't3', 't4'],
    );
    assert.equal((await workspace.read('f1')).text.length, 1000);
  });

  it('takes no id for a path and survives a damaged journal', async () => {
    const { edits, replace, checkpoints, content } = await open({ 'a.txt': 'one\n' });
    await edits.apply([await replace('a.txt', 'one', 'two')], '../../evil');
    assert.deepEqual(await checkpoints.undo('nothing'), { restored: [], conflicts: [], lost: [] });
    assert.deepEqual(await checkpoints.undo('nothing', [], ['a.txt']), {
      restored: [],
      conflicts: [],
      lost: ['a.txt'],
    });
    await checkpoints.undo('../../evil');
    assert.equal(content('a.txt'), 'one\n');
  });
});
