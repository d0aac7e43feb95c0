import '../../../support/vscode.ts';

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type * as vscode from 'vscode';
import { HunkReview } from '../../../../src/host/agent/hunk-review.ts';
import { ReviewStore } from '../../../../src/host/agent/review-store.ts';
import { tempFolder } from '../../../support/temp-folder.ts';
import { editor, type TextDocument } from '../../../support/vscode.ts';

const BEFORE = 'one\ntwo\nthree\nfour\nfive\n';
const AFTER = 'one\nTWO\nthree\nfive\n';

describe('host/agent/hunk-review', () => {
  let review: HunkReview;
  let store: ReviewStore;
  beforeEach(() => editor.reset());
  afterEach(async () => {
    review.dispose();
    // What is still being stored is stored before its folder is removed.
    await store.save(new Map());
  });

  function openWindow(folder: string): void {
    store = new ReviewStore(join(folder, 'review.json'));
    review = new HunkReview(store, message => assert.fail(message));
  }

  /** Files that the agent has changed on disk, from the first text to the second; the first of them is shown. */
  function changed(...files: [before: string, after: string][]) {
    const folder = tempFolder(Object.fromEntries(files.map(([, after], index) => [`${index}.ts`, after])));
    openWindow(folder);
    const documents = files.map(([before], index) => {
      const document = editor.open(join(folder, `${index}.ts`), false);
      review.add(uriOf(document), before, document.getText());
      return document;
    });
    editor.show(documents[0]!);
    return documents;
  }
  const uriOf = (document: TextDocument) => document.uri as unknown as vscode.Uri;
  const lenses = (document: TextDocument) =>
    review
      .provideCodeLenses(document as unknown as vscode.TextDocument)
      .map(({ command, range }) => `${range.start.line} ${command!.title}`);
  const untilStored = async (files: number) => {
    for (let round = 0; (await store.load()).size < files; round++) {
      assert.ok(round < 2000, 'never stored');
      await new Promise(resolve => setTimeout(resolve, 5));
    }
  };
  const cursor = () => editor.shown[0]!.selection.active.line;

  it('offers each change, and shows what is gone', () => {
    const [document] = changed([BEFORE, AFTER]);
    assert.deepEqual(lenses(document!), [
      '0 Keep all 2 changes',
      '0 Undo all',
      '1 Keep',
      '1 Undo',
      '3 Keep (1 line removed here)',
      '3 Undo',
    ]);
    const gone = editor.shown[0]!.decorations.get('removed') as { renderOptions: { after: object } }[];
    assert.deepEqual(
      gone.map(({ renderOptions }) => renderOptions.after),
      [{ contentText: 'two' }, { contentText: 'four' }],
    );
  });

  it('keeps one and undoes the other by the cursor, which goes on to the next', async () => {
    const [document] = changed([BEFORE, AFTER]);
    assert.equal(editor.contexts['moebius.review.isHere'], true);
    await review.go(1);
    assert.equal(cursor(), 1);
    await review.keep();
    assert.equal(cursor(), 3);
    await review.undo();
    assert.equal(document!.getText(), 'one\nTWO\nthree\nfour\nfive\n');
    assert.deepEqual(lenses(document!), []);
    assert.equal(editor.contexts['moebius.review.isHere'], false);
    assert.equal(
      readFileSync(document!.uri.fsPath, 'utf8'),
      document!.getText(),
      'on disk before, on disk now',
    );
    await assert.rejects(review.keep(), { code: 'not-found' });
    await assert.rejects(review.go(1), { code: 'not-found' });
  });

  it('leads from file to file, both ways, and round again', async () => {
    const [first, second] = changed([BEFORE, AFTER], ['a\n', 'b\n']);
    const at = () => `${editor.shown[0]!.document === first ? 'first' : 'second'} ${cursor()}`;
    const places: string[] = [];
    for (const step of [1, 1, 1, 1, -1, -1] as const) {
      await review.go(step);
      places.push(at());
    }
    assert.deepEqual(places, ['first 1', 'first 3', 'second 0', 'first 1', 'second 0', 'first 3']);
    second!.close();
    await review.go(1);
    assert.equal(at(), 'second 0', 'a file that is not open is opened');
  });

  it('puts back with the line ends of the document, and leaves unsaved what was unsaved', async () => {
    const crlf = (text: string) => text.replaceAll('\n', '\r\n');
    const [document] = changed([crlf(BEFORE), crlf(AFTER)]);
    document!.type('mine\r\n', 0);
    await review.undoFile();
    assert.equal(document!.getText(), `mine\r\n${crlf(BEFORE)}`);
    assert.equal(document!.isDirty, true);
    assert.equal(readFileSync(document!.uri.fsPath, 'utf8'), crlf(AFTER));
  });

  it('what the user edits is theirs, also when the agent changes the file again', async () => {
    const [document] = changed([BEFORE, AFTER]);
    document!.type('my own\n', document!.getText().length);
    document!.type('!', document!.getText().indexOf('TWO') + 3);
    assert.deepEqual(lenses(document!), ['3 Keep (1 line removed here)', '3 Undo']);
    const before = document!.getText();
    document!.type('ONE', 0, 3);
    review.add(uriOf(document!), before, document!.getText());
    await review.undoFile();
    assert.equal(document!.getText(), 'one\nTWO!\nthree\nfour\nfive\nmy own\n');
  });

  it('waits for each of several open files to take what the agent has written to disk', async () => {
    const folder = tempFolder({ '0.ts': BEFORE, '1.ts': BEFORE });
    openWindow(folder);
    const documents = ['0.ts', '1.ts'].map(name => editor.open(join(folder, name)));
    for (const document of documents) {
      writeFileSync(document.uri.fsPath, AFTER);
      review.add(uriOf(document), BEFORE, AFTER);
    }
    for (const document of documents) document.reload();
    for (const document of documents) assert.equal(lenses(document).length, 6);
    await untilStored(2);
  });

  it('waits for the last of several changes of a file that are taken one after the other', async () => {
    const folder = tempFolder({ '0.ts': BEFORE });
    openWindow(folder);
    const document = editor.open(join(folder, '0.ts'));
    const first = BEFORE.replace('two', 'TWO');
    const last = BEFORE.replace('two', 'two and more');
    review.add(uriOf(document), BEFORE, first);
    review.add(uriOf(document), first, last);
    for (const text of [first, last]) {
      writeFileSync(document.uri.fsPath, text);
      document.reload();
    }
    assert.deepEqual(lenses(document), ['1 Keep', '1 Undo']);
  });

  it('is over when a file is saved without any of it, and not before', async () => {
    const [document] = changed(['one\ntwo\n', 'one\nTWO\n']);
    document!.type('!', 7);
    assert.deepEqual(lenses(document!), []);
    document!.type('', 7, 8);
    assert.deepEqual(lenses(document!), ['1 Keep', '1 Undo'], 'what was typed is taken back');
    document!.type('two', 4, 7);
    await document!.save();
    document!.type('TWO', 4, 7);
    assert.deepEqual(lenses(document!), [], 'the same change made by the user is theirs');
  });

  it('is there again in another window, and over when it is decided', async () => {
    const [document] = changed([BEFORE, AFTER]);
    const path = document!.uri.fsPath;
    await untilStored(1);
    review.dispose();
    openWindow(join(path, '..'));
    for (let round = 0; lenses(document!).length === 0; round++) {
      assert.ok(round < 2000, 'never restored');
      await new Promise(resolve => setTimeout(resolve, 5));
    }
    review.keepFile(uriOf(document!));
    assert.deepEqual(lenses(document!), []);
    assert.throws(() => review.keepFile(uriOf(document!)), { code: 'not-found' });
    writeFileSync(path, AFTER);
  });
});
