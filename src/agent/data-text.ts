/**
 * Text from files, tools and commands, as the model is shown it. It is data: what is invisible in it is made visible, and the
 * tags between which chat templates put a tool's result, or a call, are broken, since not all models have special tokens for
 * them (those are never encoded from data; src/engine/special-text.ts).
 */

/** Control characters, and what is drawn as nothing: zero-width, bidirectional controls, tags (U+E0000). */
const INVISIBLE = /(?![\t\n\r])[\p{Cc}\p{Default_Ignorable_Code_Point}\u2028\u2029]/gu;
/** Joiner and variation selector: what an emoji is made of, and no secret behind one. */
const EMOJI_PART = /^[\u200d\ufe0f]$/;
const EMOJI_END = /(\p{Extended_Pictographic}|\p{Emoji_Modifier}|\ufe0f)$/u;
/** Qwen3-Coder's have a `=`; XML knows `<parameter name=...>` too, which a model must be able to copy into an edit. */
const TEMPLATE_TAG =
  /<(\/?)(?=(?:tool_response|tool_call|think|arg_key|arg_value)>|(?:function|parameter)=)/gi;

export function shownData(text: string): string {
  return text.replace(TEMPLATE_TAG, '<\\$1').replace(INVISIBLE, (char, at: number, whole: string) => {
    if (EMOJI_PART.test(char) && EMOJI_END.test(whole.slice(Math.max(0, at - 2), at))) return char;
    return `<U+${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}>`;
  });
}

const SHOWN_TAG =
  /<\\(\/?)(?=(?:tool_response|tool_call|think|arg_key|arg_value)>|(?:function|parameter)=)/gi;
const SHOWN_CHAR = /<U\+([0-9A-F]{4,6})>/g;

/** The text of a file that a model copied as it was shown it. */
export const copiedData = (text: string): string =>
  text.replace(SHOWN_TAG, '<$1').replace(SHOWN_CHAR, (shown, hex: string) => {
    const code = Number.parseInt(hex, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : shown;
  });
