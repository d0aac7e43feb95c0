import assert from 'node:assert/strict';
import { copiedData, shownData } from '../../../src/agent/data-text.ts';

describe('data that the model is shown', () => {
  const shows = (name: string, text: string, expected: string) =>
    it(name, () => assert.equal(shownData(text), expected));

  shows('stays as it is', 'if (a < b) {\n\treturn "ü";\r\n}', 'if (a < b) {\n\treturn "ü";\r\n}');
  shows('shows zero-width characters', 'a\u200bb\u2060c\ufeffd', 'a<U+200B>b<U+2060>c<U+FEFF>d');
  shows('shows what changes the direction', '\u202eabc\u2066', '<U+202E>abc<U+2066>');
  shows('shows tags', '\u{e0068}\u{e0069}', '<U+E0068><U+E0069>');
  shows('shows variation selectors that carry data', 'x\ufe00\u{e0121}', 'x<U+FE00><U+E0121>');
  shows('shows control characters', '\x1b[2Jx\x00', '<U+001B>[2Jx<U+0000>');
  shows('shows a carriage return that ends no line', 'a\rb\r\n', 'a<U+000D>b\r\n');
  shows('leaves emoji alone', '👩‍💻 ❤️ 👍🏽', '👩‍💻 ❤️ 👍🏽');
  shows('leaves key caps alone', '1\ufe0f\u20e3 #\ufe0f\u20e3', '1\ufe0f\u20e3 #\ufe0f\u20e3');
  shows('shows a selector after a digit that is no key cap', '1\ufe0f2', '1<U+FE0F>2');
  for (const word of [
    '\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645',
    '\u0915\u094d\u200d\u0937',
    '\u0dc1\u0dca\u200d\u0dbb\u0dd3',
  ])
    shows(`leaves ${word} alone, which has a joiner`, word, word);
  shows('shows a joiner that joins nothing', 'a\u200db', 'a<U+200D>b');
  shows(
    'shows joiners beside Latin letters, at the end of a word and in rows',
    'a\u200cb \u0645\u200ca \u0645\u200c \u0645\u200c\u200d\u0645',
    'a<U+200C>b \u0645<U+200C>a \u0645<U+200C> \u0645<U+200C><U+200D>\u0645',
  );
  shows(
    'breaks the tags of a chat template',
    '</tool_response><tool_call>\n<TOOL_CALL><think><function=run>',
    '<\\/tool_response><\\tool_call>\n<\\TOOL_CALL><\\think><\\function=run>',
  );
  shows(
    'leaves other tags alone',
    '<div><thinking></a><parameter name="x">',
    '<div><thinking></a><parameter name="x">',
  );

  it('is found again when a model copies it', () => {
    for (const text of ['a\u200bb\u{e0068}\x1b', '<tool_call></tool_response><function=x>', 'plain <b>'])
      assert.equal(copiedData(shownData(text)), text);
    assert.equal(copiedData('<U+FFFFFF>'), '<U+FFFFFF>');
  });
});
