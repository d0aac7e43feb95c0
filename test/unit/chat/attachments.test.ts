import '../../support/vscode.ts';

import assert from 'node:assert/strict';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { AttachmentReader } from '../../../src/host/chat/attachments.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { editor } from '../../support/vscode.ts';

describe('several files that are attached at once', () => {
  let folder: string;
  let told: string[];
  beforeEach(() => {
    editor.reset();
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'moebius-attach-')));
    editor.folders = [folder];
    told = [];
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const open = () =>
    new AttachmentReader(
      async () => null,
      () => 1000,
      why => told.push(why),
    );
  const write = (name: string, bytes: string | Uint8Array) => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };
  const labels = (attachments: { label: string }[]) => attachments.map(({ label }) => label);

  it('are those that can be, and of the others it is said why not', async () => {
    const paths = [write('a.ts', 'a'), write('logo.png', Uint8Array.of(1, 0, 2)), write('b.ts', 'b')];
    const uris = [...paths.map(path => pathToFileURL(path).href), 'file:///etc/hostname'];
    assert.deepEqual(labels(await open().read({ kind: 'dropped', uris })), ['a.ts', 'b.ts']);
    assert.equal(told.length, 1);
    assert.match(told[0]!, /^logo\.png is a binary file.*\/etc\/hostname is outside the workspace/);
  });

  it('are as many when they come from the file dialog', async () => {
    editor.picked = [write('logo.png', Uint8Array.of(0)), write('a.ts', 'a')];
    assert.deepEqual(labels(await open().read({ kind: 'pick' })), ['a.ts']);
    assert.deepEqual(told, ["logo.png is a binary file and can't be attached."]);
  });

  it('are told of in a text that can be read in some seconds', async () => {
    editor.picked = Array.from({ length: 9 }, (_, index) => write(`${index}.png`, Uint8Array.of(0)));
    assert.deepEqual(await open().read({ kind: 'pick' }), []);
    assert.match(told.join(), /^0\.png .* 1\.png .* 2\.png .* And 6 more could not be attached\.$/);
  });
});

describe('a folder that is attached', () => {
  beforeEach(() => editor.reset());

  it("has its own files' texts, and their names first, however many lie below it", async () => {
    const below = Array.from({ length: 250 }, (_, index) => [`src/a/${index}.ts`, ''] as const);
    const folder = tempFolder({ ...Object.fromEntries(below), 'src/z.ts': 'let z;\n' });
    editor.folders = [folder];
    const reader = new AttachmentReader(
      async () => null,
      () => 100_000,
      assert.fail,
    );
    const uris = [pathToFileURL(join(folder, 'src')).href];
    const [attached] = await reader.read({ kind: 'dropped', uris });
    const lines = attached!.text.split('\n');
    assert.equal(lines[0], 'src/z.ts');
    assert.equal(lines[200], '(and more: only 200 files are listed)');
    assert.deepEqual(lines.slice(-2), ['--- src/z.ts', 'let z;']);
  });
});
