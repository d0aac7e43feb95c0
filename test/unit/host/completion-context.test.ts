import '../../support/vscode.ts';

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ContextFile } from '../../../src/completion/context/context-file.ts';
import { SimilarParts } from '../../../src/completion/context/similar.ts';
import { CompletionContext } from '../../../src/host/completion-context.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { editor, TextDocument, Uri } from '../../support/vscode.ts';

const FILLER = Array.from({ length: 100 }, (_, i) => `filler_${i} = "of the document itself"\n`).join('');

describe('host/completion-context', () => {
  let folder = '';
  let context: CompletionContext;
  afterEach(() => context.dispose());

  /** The files in a workspace, the first one shown. */
  function begin(files: Record<string, string>): TextDocument {
    folder = tempFolder(files);
    editor.reset();
    editor.folders = [folder];
    context = new CompletionContext();
    return editor.open(join(folder, Object.keys(files)[0]!));
  }
  /** For a cursor at the end of `document`, of which the prompt shows the last lines. */
  async function filesFor(document: TextDocument, shown?: string): Promise<readonly ContextFile[]> {
    const before = document.getText();
    const { uri, languageId } = document;
    const cursor = { uri: uri.toString(), path: '', languageId, before, after: '' };
    const position = document.positionAt(before.length) as never;
    return context.filesFor(
      document as never,
      position,
      { cursor, shown: shown ?? before.slice(-500) },
      10_000,
    );
  }
  const texts = (files: readonly ContextFile[]) => files.map(({ text }) => text).join('\n---\n');

  it('shows what was edited in the document where the prompt does not', async () => {
    const document = begin({ 'a.py': `first_thing = 1\n${FILLER}last_thing = 1\n` });
    document.type('2', 14, 15);
    document.type('2', document.getText().length - 2, document.getText().length - 1);
    const found = texts(await filesFor(document));
    assert.match(found, /first_thing = 2/);
    assert.doesNotMatch(found, /last_thing/);
    assert.equal(texts(await filesFor(document, document.getText())), '');
  });

  it('gives a cell what belongs to its notebook', async () => {
    begin({
      'nb/a.ipynb': '{}',
      'nb/helpers.py': 'def imported_helper(items):\n    pass\n',
      'open.py': 'imported_helper(opened_items)\n',
      'lib.py': 'def declared(items):\n    pass\n',
    });
    const uri = Uri.file(join(folder, 'nb/a.ipynb'));
    const cells = ['from . import helpers\n', `edited_here = 1\n${FILLER}`, 'imported_helper(declared'].map(
      (text, i) => {
        const document = new TextDocument(`${uri.fsPath}`, text);
        const at = Uri.parse(`vscode-notebook-cell:${uri.path}#${i}`);
        Object.assign(document, { uri: at, languageId: 'python' });
        return { kind: 2, document };
      },
    );
    const documents = cells.map(({ document }) => document);
    editor.documents.push(...documents);
    editor.notebooks = [{ uri, getCells: () => cells }];
    editor.tabs = [join(folder, 'open.py')];
    editor.definitionsAt = (_, { character }) =>
      character > 0 ? [{ uri: Uri.file(join(folder, 'lib.py')), range: { start: { line: 0 } } }] : [];
    documents[1]!.type('2', 14, 15);
    const found = await filesFor(documents[2]!);
    assert.deepEqual(found.map(({ path }) => path).sort(), [
      'lib.py',
      'nb/a.ipynb',
      'nb/helpers.py',
      'open.py',
    ]);
    assert.match(texts(found), /edited_here = 2/);
  });

  it('ends its reading of tabs when its time is over, and goes on with the next pause', async () => {
    const tabs = Array.from({ length: 5 }, (_, i) => `tab${i}.py`);
    const sources = tabs.map((path, i) => [path, `def shared_name(own_${i}):\n    pass\n`]);
    const document = begin({ 'a.py': 'shared_name(', ...Object.fromEntries(sources) });
    editor.tabs = tabs.map(path => join(folder, path));
    const { find } = SimilarParts.prototype;
    let count = 0;
    // Each takes more than a third of the time that there is.
    SimilarParts.prototype.find = function (...args) {
      count++;
      for (const end = performance.now() + 60; performance.now() < end; );
      return find.apply(this, args);
    };
    try {
      assert.deepEqual(await filesFor(document), []);
      await sleep(200);
    } finally {
      SimilarParts.prototype.find = find;
    }
    assert.ok(count <= 3, `${count} were read`);
    // A slow machine may need more pauses than one.
    let found: readonly ContextFile[] = [];
    for (let pauses = 0; found.length < 5 && pauses < 20; pauses++) found = await filesFor(document);
    assert.equal(found.length, 5);
  });

  it('asks for the names nearest to the cursor, each once, and for no keywords', async () => {
    const document = begin({ 'a.py': 'first = second\nreturn total(items) and items not in self.' });
    const asked: string[] = [];
    editor.definitionsAt = (_, { line, character }) => {
      asked.push(document.lineAt(line).text.slice(character).match(/^\w+/)![0]);
      return [];
    };
    await filesFor(document);
    assert.deepEqual(asked, ['items', 'total', 'second']);
  });

  it('shows declarations of the document where the prompt does not', async () => {
    const document = begin({
      'a.py': `def far_away(one):\n    pass\n${FILLER}def nearby(one):\n    far_away(`,
    });
    const lineOf = (name: string) =>
      document.getText().slice(0, document.getText().indexOf(name)).split('\n').length - 1;
    editor.definitionsAt = (uri, { line, character }) => {
      const name = /^\w+/.exec(document.lineAt(line).text.slice(character))![0];
      return [{ uri, range: { start: { line: lineOf(`def ${name}`) } } }];
    };
    assert.match(texts(await filesFor(document)), /^def far_away\(one\):\n {4}pass\n/);
    assert.doesNotMatch(texts(await filesFor(document)), /def nearby/);
  });
});
