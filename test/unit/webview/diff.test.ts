import assert from 'node:assert/strict';
import { joinLines, parseDiff } from '../../../src/webview/diff.ts';

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

  it('lines of one kind are joined, and none is lost', () => {
    const lines = parseDiff('--- a/x\n+++ b/x\n@@ -1,3 +1,4 @@\n-a\n-\n+b\n+\n+c\n same\n');
    const joined = joinLines(lines);
    assert.deepEqual(
      joined.map(({ kind, text }) => `${kind}:${text}`),
      ['file:x', 'removed:a\n', 'added:b\n\nc', 'same:same'],
    );
    const removed = Array.from({ length: 100_000 }, (_, index) => `-${index}\n`).join('');
    const [, all] = joinLines(parseDiff(`--- a/x\n+++ /dev/null\n@@ -1,100000 +0,0 @@\n${removed}`));
    assert.equal(all!.text.split('\n').length, 100_000);
  });

  it('leaves out nothing of what is no diff', () => {
    assert.deepEqual(sketch('rm -rf /\n@@ odd'), ['same:rm -rf /', 'same:@@ odd']);
  });
});
