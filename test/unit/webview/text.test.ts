import assert from 'node:assert/strict';
import { isEscape } from '../../../src/webview/escape.ts';
import {
  formatCompact,
  formatCount,
  formatSize,
  formatSpeed,
  formatWhen,
} from '../../../src/webview/format.ts';
import {
  draggedUris,
  mayHaveUris,
  mentionAt,
  withoutMention,
  withoutSlash,
} from '../../../src/webview/mention.ts';

/** Text with its caret drawn in. */
function atCaret(drawn: string) {
  const caret = drawn.indexOf('█');
  const text = drawn.replace('█', '');
  return { text, mention: mentionAt(text, caret) };
}

describe('mention at the caret', () => {
  const check = (drawn: string, query: string | null) =>
    it(`${drawn}: ${query}`, () => assert.equal(atCaret(drawn).mention?.query ?? null, query));
  check('@█', '');
  check('see @src/a.t█', 'src/a.t');
  check('see @src█ more', 'src');
  check('(@sel█', 'sel');
  check('me@example█', null);
  check('@a b█', null);
  check('█@a', null);
  check('see #src█ more', 'src');
  check('# Title█', null);
  check('a #1 b#c█', null);
  check('see @größe.t█', 'größe.t');
  check('@app/[slug]/pa█', 'app/[slug]/pa');
  check('@app/[sl█', 'app/[sl');
  check('@$lib/+pa█', '$lib/+pa');
  check('@(gro█', '(gro');
  check('(@app/(group)/pa█', 'app/(group)/pa');
  check('see @a.ts,█ and', null);
  check('(@a.ts)█', null);
  check('@Injectable()█', null);

  const remove = (drawn: string, expected: string) =>
    it(`${drawn} becomes ${expected}`, () => {
      const { text, mention } = atCaret(drawn);
      const rest = withoutMention(text, mention!);
      assert.equal(`${rest.text.slice(0, rest.caret)}█${rest.text.slice(rest.caret)}`, expected);
    });
  remove('see @src█ more', 'see █more');
  remove('@a█', '█');
  remove('(@a█ b)', '(█ b)');
});

describe('slash at the caret', () => {
  const check = (drawn: string, expected: string | null) =>
    it(`${drawn}: ${expected}`, () => {
      const { mention } = atCaret(drawn);
      assert.equal(mention?.list === 'slash' ? mention.query : null, expected);
    });
  check('/█', '');
  check('/rev█', 'rev');
  check('/re█view', 're');
  check('/review █', null);
  check('see /rev█', null);
  check('/src/a█', null);
});

describe('a message without what a slash chose', () => {
  const check = (drawn: string, expected: string) =>
    it(`${drawn}: ${expected}`, () => {
      const { text, mention } = atCaret(drawn);
      assert.equal(withoutSlash(text, mention!), expected);
    });
  check('/tests█', '');
  check('/█A long message.', 'A long message.');
  check('/te█ A long\nmessage.', 'A long\nmessage.');
});

describe('Escape', () => {
  it('is not what ends the composing of a character, nor what was answered already', () => {
    const key = { key: 'Escape', defaultPrevented: false, isComposing: false };
    assert.equal(isEscape(key), true);
    assert.equal(isEscape({ ...key, isComposing: true }), false);
    assert.equal(isEscape({ ...key, defaultPrevented: true }), false);
    assert.equal(isEscape({ ...key, key: 'Enter' }), false);
  });
});

describe('figures', () => {
  it('are written as people read them', () => {
    assert.equal(formatCount(1204.4), '1,204');
    assert.deepEqual([850, 1200, 2980, 12_345].map(formatCompact), ['850', '1.2k', '3k', '12k']);
    assert.deepEqual([1_117_320_768, 491_400_064].map(formatSize), ['1.1 GB', '491 MB']);
    assert.deepEqual([3.14, 21.4].map(formatSpeed), ['3.1', '21']);
  });

  it('dates are relative to midnight', () => {
    const now = new Date(2026, 4, 20, 12, 0).getTime();
    const check = (at: Date, expected: string) => assert.equal(formatWhen(at.getTime(), now), expected);
    check(new Date(2026, 4, 20, 0, 5), '00:05');
    check(new Date(2026, 4, 19, 23, 59), 'Yesterday');
    check(new Date(2026, 4, 17, 12, 0), '3 days ago');
    check(new Date(2026, 3, 1, 12, 0), '1 Apr 2026');
  });
});

describe('dragged files', () => {
  const check = (data: Record<string, string>, expected: string[]) =>
    it(JSON.stringify(data), () =>
      assert.deepEqual(
        draggedUris(type => data[type] ?? ''),
        expected,
      ),
    );
  check({ 'application/vnd.code.uri-list': 'file:///a\r\nfile:///b' }, ['file:///a', 'file:///b']);
  check({ 'text/uri-list': '# comment\nfile:///a\n' }, ['file:///a']);
  check({ resourceurls: '["file:///a", 7]' }, ['file:///a']);
  check({ resourceurls: 'broken' }, []);
  check({ 'text/plain': 'file:///a' }, []);

  it('are told from dragged text by what the drag says of itself', () => {
    assert.equal(mayHaveUris(['text/plain', 'text/uri-list']), true);
    assert.equal(mayHaveUris(['resourceurls']), true);
    assert.equal(mayHaveUris(['text/plain', 'text/html']), false);
    assert.equal(mayHaveUris(['Files']), false);
  });
});
