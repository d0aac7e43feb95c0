/** Text of others for whoever reads it: what would not be seen in it, or would move what is, is shown as `<U+202E>`. */

/** Control characters, and what is drawn as nothing: zero-width, bidirectional controls, tags (U+E0000). */
const INVISIBLE = /(?![\t\n\r])[\p{Cc}\p{Default_Ignorable_Code_Point}\u2028\u2029]|\r(?!\n)/gu;
/** What a terminal obeys. */
const CONTROL = /(?![\t\n\r])\p{Cc}|\r(?!\n)/gu;
/** Joiner and variation selector: what an emoji is made of, and no secret behind one. */
const EMOJI_PART = /^[\u200d\ufe0f]$/;
const EMOJI_END = /(\p{Extended_Pictographic}|\p{Emoji_Modifier}|\ufe0f)$/u;

const shown = (char: string): string =>
  `<U+${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}>`;

const isEmojiPart = (char: string, at: number, whole: string): boolean =>
  EMOJI_PART.test(char) && EMOJI_END.test(whole.slice(Math.max(0, at - 2), at));

export const visibleText = (text: string): string =>
  text.replace(INVISIBLE, (char, at: number, whole: string) =>
    isEmojiPart(char, at, whole) ? char : shown(char),
  );

/** Latin beside Greek or Cyrillic in one word, many letters of which look like it. */
export const mixesAlphabets = (text: string): boolean =>
  (text.match(/\p{L}+/gu) ?? []).some(
    word => /\p{Script=Latin}/u.test(word) && /[\p{Script=Greek}\p{Script=Cyrillic}]/u.test(word),
  );

/** For a terminal, of text that comes in pieces: an emoji may be cut between two. */
export const visibleControls = (text: string): string => text.replace(CONTROL, shown);
