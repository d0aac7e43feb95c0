import assert from 'node:assert/strict';
import { cleanCommitMessage, commitMessages } from '../../../../src/host/code/commit-prompt.ts';
import { digestDiff } from '../../../../src/host/code/diff-digest.ts';

const file = (name: string, lines: number) =>
  `diff --git a/${name} b/${name}\nindex 123..456 100644\n--- a/${name}\n+++ b/${name}\n@@ -1 +1 @@\n${'+added line\n'.repeat(lines)}`;

describe('host/code/diff-digest', () => {
  it('keeps what fits, without the noise', () => {
    assert.equal(digestDiff(file('a.ts', 2), 1000), 'file a.ts\n@@ -1 +1 @@\n+added line\n+added line');
  });
  it('names every file and cuts the long ones alike', () => {
    const digest = digestDiff(file('short.ts', 2) + file('long.ts', 500) + file('longer.ts', 900), 2000);
    assert.match(digest, /file short\.ts\n@@ -1 \+1 @@\n\+added line\n\+added line\nfile long\.ts/);
    assert.match(digest, /file longer\.ts/);
    assert.ok(digest.length < 2200, `${digest.length} characters`);
    const cut = [...digest.matchAll(/\[(\d+) more lines\]/g)].map(match => Number(match[1]));
    assert.equal(cut.length, 2);
    assert.ok(Math.abs(cut[1]! - cut[0]! - 400) < 5, 'both keep the same number of lines');
  });
  it('knows a header from what was removed', () => {
    const diff = 'diff --git a/a.sql b/a.sql\n--- a/a.sql\n+++ b/a.sql\n@@ -1 +1 @@\n--- a/comment\n+x\n';
    assert.equal(digestDiff(diff, 100), 'file a.sql\n@@ -1 +1 @@\n--- a/comment\n+x');
  });
  it('follows a rename and survives an empty diff', () => {
    const renamed = 'diff --git a/a.ts b/b.ts\nsimilarity index 100%\nrename from a.ts\nrename to b.ts\n';
    assert.equal(digestDiff(renamed, 100), 'file b.ts\nrename from a.ts\nrename to b.ts');
    assert.equal(digestDiff('', 100), '');
  });
});

describe('host/code/commit-prompt', () => {
  const check = (answer: string, expected: string) =>
    it(JSON.stringify(answer), () => assert.equal(cleanCommitMessage(answer), expected));
  check('Add a parser', 'Add a parser');
  check('```\nAdd a parser\n\nIt reads.\n```', 'Add a parser\n\nIt reads.');
  check('Commit message: Add a parser', 'Add a parser');
  check('"Add a parser"', 'Add a parser');
  check('Add `parse`', 'Add `parse`');
  check('Add a parser  \n\nBody \n', 'Add a parser\n\nBody');

  it('does not ask about a diff in which it finds no file', () => {
    const message = /can not be read.*diff\.external/;
    assert.throws(() => commitMessages('a.ts --- TypeScript\n1 x\n', []), { code: 'bad-request', message });
  });

  it('shows earlier subjects when there are enough to have something in common', () => {
    const prompt = (subjects: string[]) => commitMessages(file('a.ts', 1), subjects)[1]!.content;
    assert.match(
      prompt(['fix: it', 'fix: that', 'add: more']),
      /^Subjects of earlier.*\n- fix: it\n- fix: that\n/,
    );
    assert.match(prompt(['one']), /^Write the commit message/);
  });
});
