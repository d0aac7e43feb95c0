import '../../../support/vscode.ts';

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type * as vscode from 'vscode';
import { HunkReview } from '../../../../src/host/agent/hunk-review.ts';
import { ReviewStore } from '../../../../src/host/agent/review-store.ts';
import { InlineEdits } from '../../../../src/host/edits/inline-edit.ts';
import { tempFolder } from '../../../support/temp-folder.ts';
import { editor, Range, type TextDocument } from '../../../support/vscode.ts';

const BEFORE = 'first\nlet a = 1\nlet b = 2\nlast\n';

describe('host/edits/inline-edit', () => {
  const made: { dispose(): void }[] = [];
  beforeEach(() => editor.reset());
  afterEach(() => {
    for (const one of made.splice(0)) one.dispose();
  });

  /** Lines 1 and 2 of a file are being rewritten. */
  function open(text = BEFORE) {
    const folder = tempFolder({ 'a.ts': text });
    const path = join(folder, 'a.ts');
    const document = editor.open(path);
    const store = new ReviewStore(join(folder, 'review.json'));
    const review = new HunkReview(store, message => assert.fail(message));
    const edits = new InlineEdits(review);
    made.push(edits, review);
    const range = new Range(1, 0, 2, 'let b = 2'.length);
    const code = document.getText(range).replaceAll('\r\n', '\n');
    const target = { document, range, code, label: 'a.ts:2-3' } as unknown as Parameters<
      InlineEdits['begin']
    >[0];
    const draft = edits.begin(target);
    const lenses = () =>
      review
        .provideCodeLenses(document as unknown as vscode.TextDocument)
        .map(({ command, range: at }) => `${at.start.line} ${command!.title}`);
    return { path, document, draft, lenses, review, edits, target };
  }
  /** What was shown is in the document. */
  const drawn = (document: TextDocument, text: string) =>
    waitFor(() => document.getText().includes(text), `${text} in the document`);

  it('writes into the document as it comes, in one step of undo, and never into the file', async () => {
    const { draft, document, path, lenses } = open();
    assert.equal(editor.contexts['moebius.edit.isWriting'], true);
    draft.show('const a = 1\nlet b = 2');
    await drawn(document, 'const a');
    assert.deepEqual(lenses(), ['1 Keep', '1 Undo']);
    assert.deepEqual(editor.shown[0]!.decorations.get('removed')?.length, 1);
    await draft.finish('const a = 1\nconst b = 2');
    assert.equal(document.getText(), 'first\nconst a = 1\nconst b = 2\nlast\n');
    assert.deepEqual(editor.shown[0]!.edits, [
      { undoStopBefore: true, undoStopAfter: false },
      { undoStopBefore: false, undoStopAfter: true },
    ]);
    assert.equal(readFileSync(path, 'utf8'), BEFORE);
    assert.equal(document.isDirty, true);
    assert.equal(editor.contexts['moebius.edit.isWriting'], false);
    assert.equal(editor.contexts['moebius.review.isHere'], true);
  });

  it('undone, the text is byte for byte what it was, with the line ends of the document', async () => {
    for (const text of [BEFORE, BEFORE.replaceAll('\n', '\r\n')]) {
      editor.reset();
      const { draft, document, review } = open(text);
      await draft.finish('const a = 1\nnew\nconst b = 2');
      assert.equal(
        document.getText(),
        text.replace('let a', 'const a').replace('let b', `new${text.includes('\r') ? '\r' : ''}\nconst b`),
      );
      await review.undoFile();
      assert.equal(document.getText(), text);
      assert.equal(document.isDirty, false);
      assert.equal(editor.contexts['moebius.review.isHere'], false);
    }
  });

  it('stopped, everything is as it was', async () => {
    const { draft, document, edits, lenses } = open();
    draft.show('x\ny\nz');
    await drawn(document, 'z');
    edits.stop();
    assert.equal(draft.stopped.aborted, true);
    await draft.abandon();
    assert.equal(document.getText(), BEFORE);
    assert.equal(document.isDirty, false);
    assert.deepEqual(lenses(), []);
    assert.throws(() => edits.stop(), { code: 'not-found' });
  });

  it('stopped behind another document, or beside what the user typed, it stays unsaved', async () => {
    for (const [elsewhere, typed] of [
      [true, ''],
      [false, 'mine'],
    ] as const) {
      editor.reset();
      const { draft, document, edits } = open();
      draft.show('x\ny\nz');
      await drawn(document, 'z');
      if (typed) document.type(typed, 0);
      if (elsewhere) editor.open(join(tempFolder({ 'b.ts': '' }), 'b.ts'));
      edits.dispose();
      await draft.abandon();
      assert.equal(document.getText(), typed + BEFORE);
      assert.equal(document.isDirty, true);
    }
  });

  it('what is typed around the lines stays, and is not offered to be undone', async () => {
    const { draft, document, lenses, review } = open();
    draft.show('const a = 1');
    await drawn(document, 'const');
    document.type('mine\n', 0);
    document.type('also mine\n', document.getText().length);
    await draft.finish('const a = 1\nconst b = 2');
    assert.equal(document.getText(), 'mine\nfirst\nconst a = 1\nconst b = 2\nlast\nalso mine\n');
    assert.deepEqual(lenses(), ['2 Keep', '2 Undo']);
    await review.undoFile();
    assert.equal(document.getText(), 'mine\nfirst\nlet a = 1\nlet b = 2\nlast\nalso mine\n');
  });

  it('what is typed into the lines ends the writing, and nothing of it is lost', async () => {
    const { draft, document } = open();
    draft.show('const a = 1\nlet b = 2');
    await drawn(document, 'const');
    document.type('typed ', document.getText().indexOf('const'));
    assert.equal(draft.stopped.aborted, true);
    await assert.rejects(draft.finish('never\nseen'), { code: 'cancelled' });
    await draft.abandon();
    assert.equal(document.getText(), 'first\ntyped const a = 1\nlet b = 2\nlast\n');
  });

  it('refuses a second change of the same file meanwhile, and a file that can not be changed', async () => {
    const { draft, document, edits, target } = open();
    assert.throws(() => edits.begin(target), { code: 'busy' });
    document.isReadOnly = true;
    await assert.rejects(draft.finish('x\ny'), { code: 'busy' });
    await draft.abandon();
    assert.equal(document.getText(), BEFORE);
    edits.begin(target);
  });

  it('goes on where the tab was left while it wrote', async () => {
    for (const isShown of [true, false]) {
      editor.reset();
      const { draft, document, review } = open();
      draft.show('const a = 1\nlet b = 2');
      await drawn(document, 'const a');
      editor.shown[0]!.isGone = true;
      if (isShown) {
        await new Promise(resolve => setTimeout(resolve, 160));
        draft.show('const a = 1\nconst b');
      }
      await draft.finish('const a = 1\nconst b = 2');
      assert.equal(document.getText(), 'first\nconst a = 1\nconst b = 2\nlast\n');
      await review.undoFile(document.uri as unknown as vscode.Uri);
      assert.equal(document.getText(), BEFORE);
    }
  });

  it('refuses code that was changed while the user said what to do with it', async () => {
    const { draft, document, edits, target, path } = open();
    await draft.abandon();
    document.type('above\n', 0);
    const moved = document.getText();
    assert.throws(() => edits.begin(target), { code: 'stale', message: /^a\.ts:2-3 has been changed/ });
    assert.deepEqual([document.getText(), editor.contexts['moebius.edit.isWriting']], [moved, false]);
    writeFileSync(path, 'one line\n');
    document.reload();
    assert.throws(() => edits.begin(target), { code: 'stale' });
    writeFileSync(path, BEFORE);
    document.reload();
    await edits.begin(target).abandon();
  });

  it('goes on while the document is behind another, and ends when it is closed', async () => {
    const { draft, document } = open();
    editor.shown = [];
    draft.show('const a = 1\nlet b = 2');
    await drawn(document, 'const');
    document.close();
    assert.equal(draft.stopped.aborted, true);
    await draft.abandon();
  });
});

async function waitFor(isDone: () => boolean, what: string): Promise<void> {
  for (let round = 0; !isDone(); round++) {
    if (round > 2000) throw new Error(`Waited for ${what}.`);
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}
