import assert from 'node:assert/strict';
import { drawnRows, parseDiff } from '../../../src/webview/diff.ts';

const sketch = (diff: string) => parseDiff(diff).map(({ kind, text }) => `${kind}:${text}`);

describe('diff of the page', () => {
  it('names the file and tells lines apart', () => {
    const diff = '--- a/x.ts\n+++ b/x.ts\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n';
    assert.deepEqual(sketch(diff), ['file:x.ts', 'same:one', 'removed:two', 'added:2', 'same:three']);
  });

  it('shows where lines are left out, and several files', () => {
    const diff =
      '--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n@@ -9 +9 @@ f()\n-c\n+d\n--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+n\n';
    assert.deepEqual(sketch(diff), [
      ...['file:x', 'removed:a', 'added:b', 'gap:f()', 'removed:c', 'added:d'],
      ...['file:new', 'added:n'],
    ]);
  });

  it('takes a removed line that looks like a header for what it is', () => {
    const diff = '--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n--- sql comment\n+++ i\n same\n';
    assert.deepEqual(sketch(diff), ['file:x', 'removed:-- sql comment', 'added:++ i', 'same:same']);
  });

  const removal = (count: number) =>
    parseDiff(
      `--- a/x\n+++ /dev/null\n@@ -1,${count} +0,0 @@\n${Array.from({ length: count }, (_, index) => `-${index}\n`).join('')}`,
    );

  it('draws two thousand lines unasked, and says where there are more', () => {
    // The name of the file is a line too.
    const [short, long] = [1999, 2000].map(count => removal(count));
    assert.deepEqual(drawnRows(short!, false), { rows: short, isCut: false });
    assert.deepEqual(drawnRows(long!, false), { rows: long!.slice(0, 2000), isCut: true });
    assert.deepEqual(drawnRows(long!, true), { rows: long, isCut: false });
  });

  it('draws the rest in a row for each kind, and loses no line', () => {
    const { rows, isCut } = drawnRows(removal(100_000), true);
    assert.deepEqual([rows.length, isCut], [2001, false]);
    assert.equal(
      rows.map(({ text }) => text).join('\n'),
      ['x', ...Array.from({ length: 100_000 }, (_, index) => index)].join('\n'),
    );
    const tail = parseDiff('--- a/y\n+++ b/y\n@@ -1,3 +1,4 @@\n-a\n-\n+b\n+\n+c\n same\n');
    const mixed = drawnRows([...removal(1999), ...tail], true).rows.slice(2000);
    assert.deepEqual(
      mixed.map(({ kind, text }) => `${kind}:${text}`),
      ['file:y', 'removed:a\n', 'added:b\n\nc', 'same:same'],
    );
  });

  it('leaves out nothing of what is no diff', () => {
    assert.deepEqual(sketch('rm -rf /\n@@ odd'), ['same:rm -rf /', 'same:@@ odd']);
  });
});
