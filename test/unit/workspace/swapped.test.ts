/** What is put in a file's place while the user reads the question: the whole path of an edit, from the question to the disk. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createActions } from '../../../src/agent/actions.ts';
import type { FileChange } from '../../../src/agent/ports.ts';
import { openNodePorts } from '../../../src/workspace/node-ports.ts';
import { ALLOW_ALL } from '../../support/memory-ports.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const SETTINGS = '.vscode/settings.json';

interface Place {
  root: string;
  /** A folder that is not the workspace's. */
  outside: string;
}

/** The user allows it, and meanwhile `swap` happens. */
async function edited(
  change: (versionOf: (path: string) => Promise<string>) => Promise<FileChange>,
  swap: (place: Place) => void,
) {
  const root = tempFolder({ 'a.txt': 'one\n', 'sub/b.txt': 'one\n', [SETTINGS]: 'one\n' });
  const outside = tempFolder({ 'a.txt': 'one\n', 'b.txt': 'one\n' });
  const ports = await openNodePorts([root], tempFolder());
  let asked = 0;
  const actions = createActions({
    ports: {
      ...ports,
      approval: {
        async ask() {
          asked++;
          swap({ root, outside });
          return { kind: 'once' };
        },
      },
    },
    turnId: 't',
    ...ALLOW_ALL,
    policy: () => ({ ...ALLOW_ALL.policy(), autoApproveEdits: false }),
    emit: () => {},
    signal: new AbortController().signal,
  });
  try {
    const result = await actions.edit('k', [
      await change(async path => (await ports.workspace.read(path)).version),
    ]);
    assert.equal(asked, 1);
    return { result, root, outside };
  } finally {
    ports.dispose();
  }
}

const replace =
  (path: string) =>
  async (versionOf: (path: string) => Promise<string>): Promise<FileChange> => ({
    kind: 'edit',
    path,
    version: await versionOf(path),
    replacements: [{ start: 0, end: 3, text: 'two' }],
  });
const create = (path: string) => async (): Promise<FileChange> => ({ kind: 'create', path, text: 'two\n' });
const remove =
  (path: string) =>
  async (versionOf: (path: string) => Promise<string>): Promise<FileChange> => ({
    kind: 'delete',
    path,
    version: await versionOf(path),
  });

const toOutside =
  (path: string, target = '') =>
  ({ root, outside }: Place) => {
    rmSync(join(root, path), { recursive: true });
    symlinkSync(join(outside, target), join(root, path));
  };

describe('an edit that was allowed', () => {
  if (process.platform === 'win32') return;

  it('is carried out where nothing was swapped', async () => {
    const { result, root } = await edited(replace('a.txt'), () => {});
    assert.equal(result.ok, true);
    assert.equal(readFileSync(join(root, 'a.txt'), 'utf8'), 'two\n');
  });

  // The file behind the link has the same text, so that the version alone does not stop it.
  const leading: [string, Parameters<typeof edited>[0], ReturnType<typeof toOutside>][] = [
    ['for a link to a file outside', replace('a.txt'), toOutside('a.txt', 'a.txt')],
    ['for a link to the folder, outside', replace('sub/b.txt'), toOutside('sub')],
    ['for a link to the folder of a new file', create('sub/new.txt'), toOutside('sub')],
    [
      'for a link where a new file was to be',
      create('new.txt'),
      ({ root, outside }) => symlinkSync(join(outside, 'made.txt'), join(root, 'new.txt')),
    ],
    ['for a link to the folder of a file to be deleted', remove('sub/b.txt'), toOutside('sub')],
  ];
  for (const [what, change, swap] of leading) {
    it(`is refused when its file is exchanged ${what}`, async () => {
      const { result, outside } = await edited(change, swap);
      assert.equal(result.ok, false, result.text);
      assert.match(result.text, /link|outside|replaced/);
      for (const name of ['a.txt', 'b.txt']) assert.equal(readFileSync(join(outside, name), 'utf8'), 'one\n');
      for (const name of ['new.txt', 'made.txt']) assert.ok(!existsSync(join(outside, name)));
    });
  }

  it('is refused when its file is exchanged for a link to a protected one', async () => {
    const { result, root } = await edited(replace('a.txt'), ({ root }) => {
      rmSync(join(root, 'a.txt'));
      symlinkSync(SETTINGS, join(root, 'a.txt'));
    });
    assert.equal(result.ok, false);
    assert.match(result.text, /is another name of \.vscode\/settings\.json/);
    assert.equal(readFileSync(join(root, SETTINGS), 'utf8'), 'one\n');
  });

  it('is refused when another file of the workspace is put in its place', async () => {
    const { result, root } = await edited(replace('a.txt'), ({ root }) => {
      writeFileSync(join(root, 'other.txt'), 'one more\n');
      renameSync(join(root, 'other.txt'), join(root, 'a.txt'));
    });
    assert.equal(result.ok, false);
    assert.match(result.text, /has changed since it was read/);
    assert.equal(readFileSync(join(root, 'a.txt'), 'utf8'), 'one more\n');
  });
});
