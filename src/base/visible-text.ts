/** Text of others for whoever reads it: what would not be seen in it, or would move what is, is shown as `<U+202E>`. */

/** Scripts whose letters change their shape beside a joiner or non-joiner. */
const JOINING = 'Arab Syrc Nkoo Mong Deva Beng Guru Gujr Orya Taml Telu Knda Mlym Sinh Khmr Mymr'
  .split(' ')
  .map(script => `\\p{Script_Extensions=${script}}`)
  .join('');
const JOINED = String.raw`(?=[\p{L}\p{M}])[${JOINING}]`;
/** What emoji, key caps and words of those scripts are made of, and no secret behind one. */
const PART = [
  String.raw`(?<=\p{Extended_Pictographic}|\p{Emoji_Modifier}|\ufe0f)[\u200d\ufe0f]`,
  String.raw`(?<=[0-9#*])\ufe0f(?=\u20e3)`,
  `(?<=${JOINED})[\\u200c\\u200d](?=${JOINED})`,
].join('|');
/** Control characters, and what is drawn as nothing: zero-width, bidirectional controls, tags (U+E0000). */
const INVISIBLE = new RegExp(
  String.raw`(?=[\p{Cc}\p{Default_Ignorable_Code_Point}\u2028\u2029])(?!${PART}|[\t\n\r]).|\r(?!\n)`,
  'gsu',
);
/** What a terminal obeys. */
const CONTROL = /(?![\t\n\r])\p{Cc}|\r(?!\n)/gu;

const shown = (char: string): string =>
  `<U+${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}>`;

export const visibleText = (text: string): string => text.replace(INVISIBLE, shown);

/** Letters of Greek and Cyrillic that look like Latin ones. By number, since nobody could tell them apart here either. */
const LOOK_ALIKE = new RegExp(
  String.raw`[\u0391\u0392\u0395-\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03f9\u037f]|` +
    String.raw`[\u03b1\u03b3\u03b9\u03ba\u03bd\u03bf\u03c1\u03c3\u03c5\u03c7\u03f2\u03f3]|` +
    String.raw`[\u0401\u0405-\u0408\u0410\u0412\u0415\u041a\u041c-\u041e\u0420-\u0423\u0425\u04ae\u04c0\u050c\u051a\u051c]|` +
    String.raw`[\u0430\u0433\u0435\u043a\u043e\u043f\u0440\u0441\u0443\u0445\u044c\u0451\u0455-\u0458\u0475\u04af\u04bb\u04cf\u0501\u051b\u051d]`,
  'u',
);

/** Latin in one word with Greek or Cyrillic that looks like it. A letter that looks like none gives the word away. */
export const mixesAlphabets = (text: string): boolean =>
  (text.match(/\p{L}+/gu) ?? []).some(word => {
    const others = word.match(/[\p{Script=Greek}\p{Script=Cyrillic}]/gu) ?? [];
    return /\p{Script=Latin}/u.test(word) && others.length > 0 && others.every(one => LOOK_ALIKE.test(one));
  });

/** For a terminal, of text that comes in pieces: an emoji may be cut between two. */
export const visibleControls = (text: string): string => text.replace(CONTROL, shown);
