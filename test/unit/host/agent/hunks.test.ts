import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import {
  hunkKey,
  hunksOf,
  lineAfter,
  reviewAfterKeep,
  reviewAfterUndo,
  withHunkKept,
} from '../../../../src/host/agent/hunks.ts';

const BEFORE = 'a\nb\nc\nd\ne\n';
const NOW = 'a\nB\nB2\nc\ne\nf\n';

describe('host/agent/hunks', () => {
  it('finds each run of changed lines, where it is now', () => {
    assert.deepEqual(
      hunksOf(BEFORE, NOW).map(({ start, end, before, now }) => [start, end, before, now]),
      [
        [1, 3, 'b\n', 'B\nB2\n'],
        [4, 4, 'd\n', ''],
        [5, 6, '', 'f\n'],
      ],
    );
  });

  it('a hunk that is kept is no change any more; the others stay', () => {
    const [first] = hunksOf(BEFORE, NOW);
    const kept = withHunkKept(BEFORE, first!);
    assert.equal(kept, 'a\nB\nB2\nc\nd\ne\n');
    assert.equal(hunksOf(kept, NOW).length, 2);
  });

  it('finds a line again after changes; one that is changed or gone, at its hunk', () => {
    const hunks = hunksOf(BEFORE, NOW);
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5].map(line => lineAfter(hunks, line)),
      [0, 1, 3, 4, 4, 6],
    );
  });

  describe('of two turns that change a file', () => {
    const [zero, one, two] = ['a\nb\nc\nd\ne\n', 'a\nB\nc\nd\ne\n', 'new\na\nB\nc\nD\ne\n'];
    const open = (before: string, now: string) =>
      hunksOf(before, now).map(hunk => `${hunk.before.trim()}>${hunk.now.trim()}`);
    const review = { before: zero, keys: new Set(hunksOf(zero, two).map(hunkKey)) };

    it('keeping one leaves the other', () => {
      assert.deepEqual(open(reviewAfterKeep(review, one, two, two).before, two), ['b>B']);
      assert.deepEqual(open(reviewAfterKeep(review, zero, one, two).before, two), ['>new', 'd>D']);
    });

    it('keeping one decides about a hunk in which both have a part', () => {
      const [first, second] = ['a\nB\nc\nd\ne\n', 'a\nB\nC\nd\ne\n'];
      const both = { before: zero, keys: new Set(hunksOf(zero, second).map(hunkKey)) };
      assert.equal(reviewAfterKeep(both, first, second, second).before, second);
    });

    it('undoing the second leaves the first, also where it was changed further, and nothing of what was kept', () => {
      const left = reviewAfterUndo(review, two, one);
      assert.deepEqual(open(left.before, one), ['b>B']);
      const further = 'a\nB!\nc\nd\ne\n';
      const changed = { before: zero, keys: new Set(hunksOf(zero, further).map(hunkKey)) };
      assert.deepEqual(open(reviewAfterUndo(changed, further, one).before, one), ['b>B']);
      const kept = reviewAfterKeep(review, one, two, two);
      assert.deepEqual(open(reviewAfterUndo(kept, two, one).before, one), ['b>B']);
    });
  });

  it('keeping every hunk comes to the text of now; undoing every one to the text of before', () => {
    const line = fc.constantFrom('a\n', 'b\n', 'c\n', '\n', '}\n');
    const text = fc.array(line, { maxLength: 12 }).map(lines => lines.join(''));
    fc.assert(
      fc.property(text, text, (before, now) => {
        let kept = before;
        for (let hunk = hunksOf(kept, now)[0]; hunk; hunk = hunksOf(kept, now)[0])
          kept = withHunkKept(kept, hunk);
        assert.equal(kept, now);
        let undone = now;
        for (const hunk of hunksOf(before, now).reverse()) {
          const lines = undone.match(/[^\n]*\n|[^\n]+$/g) ?? [];
          undone = [...lines.slice(0, hunk.start), hunk.before, ...lines.slice(hunk.end)].join('');
        }
        assert.equal(undone, before);
      }),
    );
  });
});
