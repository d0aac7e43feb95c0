import assert from 'node:assert/strict';
import { readReview, reviewMessages } from '../../../../src/host/code/review-prompt.ts';
import { lineFinder, stagedFiles } from '../../../../src/host/code/staged-files.ts';

const DIFF = `diff --git a/src/a.ts b/src/a.ts
index 1..2 100644
--- a/src/a.ts
+++ b/src/a.ts
@@ -3,3 +3,4 @@ function f() {
 keep
-old
--- a comment of SQL
+new
+++ i
+last
@@ -20 +21,2 @@
 tail
+end
diff --git a/gone.ts b/gone.ts
deleted file mode 100644
--- a/gone.ts
+++ /dev/null
@@ -1 +0,0 @@
-gone
diff --git a/logo.png b/logo.png
Binary files a/logo.png and b/logo.png differ
`;

describe('host/code/review', () => {
  const [file, ...others] = stagedFiles(DIFF);

  it('numbers the lines of each file as they are staged', () => {
    assert.equal(others.length, 0, 'deleted and binary files have no lines to comment on');
    assert.equal(file!.path, 'src/a.ts');
    assert.deepEqual(
      file!.lines.map(({ line, kind, text }) => `${line ?? '-'} ${kind} ${text}`),
      [
        ...['3 same keep', '- removed old', '- removed -- a comment of SQL', '4 added new', '5 added ++ i'],
        ...['6 added last', '21 same tail', '22 added end'],
      ],
    );
  });

  it('finds a staged line in the file, which has changed since', () => {
    const staged = 'a\nb\nc\nd\n';
    const linesIn = (now: string) => [1, 2, 3, 4].map(lineFinder(staged, now));
    assert.deepEqual(linesIn(staged.replaceAll('\n', '\r\n')), [1, 2, 3, 4]);
    assert.deepEqual(linesIn('x\ny\na\nb\nC\nd\n'), [3, 4, 5, 6]);
    assert.deepEqual(linesIn('b\nc\nnew\nd'), [1, 1, 2, 3], 'what is gone, where it was');
    assert.deepEqual(linesIn(''), [1, 1, 1, 1]);
  });

  it('shows the numbers to the model, and says when it does not show all', () => {
    const { messages, isCut } = reviewMessages(file!);
    assert.match(messages[1]!.content, /^ {4}4 \+ new$/m);
    assert.equal(isCut, false);
    const long = {
      path: 'b',
      lines: Array.from({ length: 500 }, () => ({ ...file!.lines[3]!, text: 'x'.repeat(40) })),
    };
    assert.equal(reviewMessages(long).isCut, true);
  });

  it('takes comments about added lines only, one for each', () => {
    const answer = JSON.stringify({
      comments: [
        { line: 4, comment: ' wrong ' },
        { line: 4, comment: 'again' },
        { line: 3, comment: 'not added' },
        { line: 99, comment: 'made up' },
        { line: 22, comment: '' },
        { line: '6', comment: 'no number' },
        7,
        null,
      ],
    });
    const comments = [{ line: 4, text: 'wrong' }];
    assert.deepEqual(readReview({ text: answer, finish: 'stop' }, file!), { comments, isCut: false });
    for (const text of ['', '{', 'null', '[]', '{"comments":{}}'])
      assert.deepEqual(readReview({ text, finish: 'stop' }, file!), { comments: [], isCut: false }, text);
  });

  it('of an answer that was cut off takes the comments that are whole, and tells', () => {
    const answer = JSON.stringify({
      comments: [
        { line: 4, comment: 'a } is missing' },
        { line: 5, comment: '"i" is {never} set' },
      ],
    });
    const both = [
      { line: 4, text: 'a } is missing' },
      { line: 5, text: '"i" is {never} set' },
    ];
    const whole = answer.lastIndexOf('}]}') + 1;
    const first = answer.indexOf('},{') + 1;
    for (let end = 0; end <= answer.length; end++) {
      const expected = end >= whole ? both : end >= first ? both.slice(0, 1) : [];
      const read = readReview({ text: answer.slice(0, end), finish: 'length' }, file!);
      assert.deepEqual(read, { comments: expected, isCut: true }, answer.slice(0, end));
    }
    assert.equal(readReview({ text: '{"comments":[]}', finish: 'time' }, file!).isCut, true);
  });
});
