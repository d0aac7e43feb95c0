import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { hunksOf, withHunkKept } from '../../../../src/host/agent/hunks.ts';

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
