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

/** Latin beside Greek or Cyrillic in one word, many letters of which look like it. */
export const mixesAlphabets = (text: string): boolean =>
  (text.match(/\p{L}+/gu) ?? []).some(
    word => /\p{Script=Latin}/u.test(word) && /[\p{Script=Greek}\p{Script=Cyrillic}]/u.test(word),
  );

/** For a terminal, of text that comes in pieces: an emoji may be cut between two. */
export const visibleControls = (text: string): string => text.replace(CONTROL, shown);
