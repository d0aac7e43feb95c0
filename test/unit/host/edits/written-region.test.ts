import assert from 'node:assert/strict';
import { WrittenRegion } from '../../../../src/host/edits/written-region.ts';

/** `line:character-line:character text` */
const drawn = (change: ReturnType<WrittenRegion['changeTo']>) =>
  change &&
  `${change.start.line}:${change.start.character}-${change.end.line}:${change.end.character} ${JSON.stringify(change.text)}`;

describe('host/edits/written-region', () => {
  it('changes the lines that differ, and only those', () => {
    const check = (from: string, to: string, expected: string | null) =>
      assert.equal(drawn(new WrittenRegion(3, from).changeTo(to)), expected);
    check('a\nb\nc', 'a\nb\nc', null);
    check('a\nb\nc', 'a\nB\nc', '4:0-4:1 "B"');
    check('a\nb\nc', 'a\nc', '4:0-5:1 "c"');
    check('a\nc', 'a\nb\nc', '4:0-4:1 "b\\nc"');
    check('abc', 'abd', '3:0-3:3 "abd"');
    check('a\nb', 'a\nb\nb', '4:0-4:1 "b\\nb"');
    check('', 'x\ny', '3:0-3:0 "x\\ny"');
    check('x\ny', '', '3:0-4:1 ""');
    check('\n😀a\n', '\n😁a\n', '4:0-4:3 "😁a"');
  });

  it('a change, carried out, gives the text: any two texts', () => {
    const lines = ['', 'a', 'b', 'ab', 'a', ''];
    const texts = lines.flatMap(one =>
      lines.flatMap(two => lines.map(three => [one, two, three].join('\n'))),
    );
    for (const from of texts.slice(0, 60)) {
      for (const to of [...texts.slice(50, 110), 'a', '', 'a\nb\nc\nd']) {
        const region = new WrittenRegion(0, from);
        const change = region.changeTo(to);
        assert.equal(change ? applied(from, change) : from, to, JSON.stringify([from, to]));
      }
    }
  });

  it('moves with what is changed above it', () => {
    const line = (start: [number, number], end: [number, number], text: string) => {
      const region = new WrittenRegion(5, 'a\nb');
      region.shift({
        start: { line: start[0], character: start[1] },
        end: { line: end[0], character: end[1] },
        text,
      });
      return region.range.start.line;
    };
    assert.equal(line([2, 0], [2, 0], 'x\ny\n'), 7);
    assert.equal(line([1, 0], [3, 4], 'x'), 3);
    assert.equal(line([5, 0], [5, 0], 'above\n'), 6);
    assert.equal(line([4, 0], [5, 0], ''), 4);
    assert.equal(line([5, 0], [5, 0], 'in it'), 5);
    assert.equal(line([7, 0], [8, 0], ''), 5);
  });
});

function applied(
  text: string,
  { start, end, text: put }: NonNullable<ReturnType<WrittenRegion['changeTo']>>,
) {
  const lines = text.split('\n');
  const offset = ({ line, character }: typeof start) =>
    lines.slice(0, line).reduce((sum, one) => sum + one.length + 1, 0) + character;
  return text.slice(0, offset(start)) + put + text.slice(offset(end));
}
