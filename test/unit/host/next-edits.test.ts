import '../../support/vscode.ts';

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { NextEdits } from '../../../src/host/next-edit/next-edits.ts';
import { testGrammars } from '../../support/grammars.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { editor, type TextDocument, Uri } from '../../support/vscode.ts';

/** Long enough for what is not to be offered: the user pauses, and it is searched. */
const PAUSE_MS = 1000;

describe('host/next-edits', () => {
  const grammars = testGrammars();
  const opened: NextEdits[] = [];
  beforeEach(() => editor.reset());
  afterEach(() => {
    for (const edits of opened.splice(0)) edits.dispose();
  });

  /** The files in a workspace, the first one shown, before its user edits it. */
  function begin(files: Record<string, string>): { document: TextDocument; edits: NextEdits } {
    const folder = tempFolder();
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(folder, path, '..'), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    editor.folders = [folder];
    editor.found = Object.keys(files).map(path => join(folder, path));
    const document = editor.open(editor.found[0]!);
    const edits = new NextEdits(() => null, { isOn: false } as never, grammars);
    opened.push(edits);
    return { document, edits };
  }
  const isOffered = () => editor.contexts['moebius.nextEdit.visible'] === true;
  const untilOffered = async () => {
    while (!isOffered()) await sleep(20);
  };
  const paths = () => editor.documents.map(({ uri }) => uri.fsPath.split('/').at(-1));

  it('opens of all files with the letters only the one that is offered', async () => {
    const { document } = begin({
      'cart.py': 'def total(items):\n    pass\n',
      'own.py': 'total = 1\nprint(total)\n',
      'letters.py': 'from cart import subtotal\n',
      'bill.py': 'from cart import total\n',
      'later.py': 'from cart import total\n',
    });
    document.type('sum_of', 4, 9);
    await untilOffered();
    assert.deepEqual(paths(), ['cart.py', 'bill.py']);
  });

  /** Takes what is offered for as long as something is. */
  const takeAll = async (edits: NextEdits) => {
    while (isOffered()) {
      await edits.take();
      await edits.take();
    }
  };
  const TWO_LOCALS =
    'def a(total, x):\n    return total + total\n\ndef b():\n    total = 2\n    return total\n';

  it('leaves a local of another function alone, and files that cannot mean it', async () => {
    const { document, edits } = begin({
      'cart.py': TWO_LOCALS,
      'bill.py': 'import cart\nprint(cart.total)\n',
    });
    document.type('sum_of', 6, 11);
    await untilOffered();
    await takeAll(edits);
    assert.equal(document.getText(), TWO_LOCALS.replace(/total(?=[\s\S]*def b)/g, 'sum_of'));
    assert.deepEqual(paths(), ['cart.py']);
  });

  it('goes on from problem to problem, also before they are found again, and stops after the last', async () => {
    const text = 'def total(x):\n    pass\ntotal(total(1))\ntotal = 2\nprint(total)\n';
    const { document, edits } = begin({ 'cart.py': text });
    const at = (character: number) => ({
      severity: 0,
      message: 'total is not defined',
      range: { start: { line: 2, character }, end: { line: 2, character: character + 5 } },
    });
    editor.diagnostics = [[document.uri, [at(0), at(6)]]];
    document.type('sum_of', 4, 9);
    await untilOffered();
    await takeAll(edits);
    assert.equal(document.getText().split('\n')[2], 'sum_of(sum_of(1))');
    assert.match(document.getText(), /\ntotal = 2\nprint\(total\)\n$/);
  });

  const problemAt = (line: number, character: number) => ({
    severity: 0,
    message: '"total" is not defined',
    range: { start: { line, character }, end: { line, character: character + 5 } },
  });

  it('takes a problem with something else of that name for an older one', async () => {
    const { document, edits } = begin({ 'cart.py': TWO_LOCALS });
    editor.diagnostics = [[document.uri, [problemAt(4, 4)]]];
    document.type('sum_of', 6, 11);
    await untilOffered();
    await takeAll(edits);
    assert.equal(document.getText(), TWO_LOCALS.replace(/total(?=[\s\S]*def b)/g, 'sum_of'));
  });

  it('looks for a local in no other file, whatever is a problem there, but for the calls that name a parameter', async () => {
    const opensOther = async (text: string, at: number) => {
      editor.reset();
      const { document, edits } = begin({ 'cart.py': text, 'bill.py': 'f(total=1)\n' });
      editor.diagnostics = [[Uri.file(editor.found![1]!), [problemAt(0, 2)]]];
      document.type('sum_of', at, at + 5);
      await untilOffered();
      await takeAll(edits);
      return paths().includes('bill.py');
    };
    assert.equal(await opensOther('def f(total):\n    return total\n', 6), true);
    assert.equal(await opensOther('def f():\n    total = 1\n    return total\n', 13), false);
  });

  it('offers what is a problem now where no tree tells names from other words, and nothing else', async () => {
    const { document } = begin({ 'a.txt': 'The total is the total of all.\ntotal\n' });
    document.type('amount', 4, 9);
    await sleep(PAUSE_MS);
    assert.equal(isOffered(), false);
    const range = { start: { line: 1, character: 0 }, end: { line: 1, character: 5 } };
    editor.diagnostics = [[document.uri, [{ severity: 0, message: 'total is not defined', range }]]];
    document.type('s', 10);
    await untilOffered();
    const [struck] = editor.shown[0]!.decorations.get('added') as { start: { line: number } }[];
    assert.equal(struck!.start.line, 1);
  });

  it('is not shown again for the same change once it was sent away', async () => {
    const { document, edits } = begin({ 'a.py': 'total = 1\nprint(total)\n' });
    document.type('s', 5);
    await untilOffered();
    edits.dismiss();
    document.type('_of', 6);
    await sleep(PAUSE_MS);
    assert.equal(isOffered(), false);
  });

  it('never joins the lines of a document that is too large, nor of any while it is off', async () => {
    const joins = async (text: string) => {
      const { document } = begin({ 'a.py': text });
      let count = 0;
      const read = document.getText.bind(document);
      document.getText = range => {
        count++;
        return read(range);
      };
      for (let i = 0; i < 3; i++) document.type('x', i);
      await sleep(PAUSE_MS);
      return count;
    };
    assert.equal(await joins('a = 1\n'.repeat(40_000)), 0);
    editor.settings = { 'moebius.completion.nextEdits': false };
    assert.equal(await joins('a = 1\n'), 0);
    editor.settings = {};
    assert.ok((await joins('a = 1\n')) > 0);
  });
});
