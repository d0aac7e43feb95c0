/**
 * Text from files, tools and commands, as the model is shown it. It is data: what is invisible in it is made visible, and the
 * tags between which chat templates put a tool's result, or a call, are broken, since not all models have special tokens for
 * them (those are never encoded from data; src/engine/special-text.ts).
 */
import { visibleText } from '../base/visible-text.ts';

/** Qwen3-Coder's have a `=`; XML knows `<parameter name=...>` too, which a model must be able to copy into an edit. */
const TEMPLATE_TAG =
  /<(\/?)(?=(?:tool_response|tool_call|think|arg_key|arg_value)>|(?:function|parameter)=)/gi;

export const shownData = (text: string): string => visibleText(text.replace(TEMPLATE_TAG, '<\\$1'));

const SHOWN_TAG =
  /<\\(\/?)(?=(?:tool_response|tool_call|think|arg_key|arg_value)>|(?:function|parameter)=)/gi;
const SHOWN_CHAR = /<U\+([0-9A-F]{4,6})>/g;

/** The text of a file that a model copied as it was shown it. */
export const copiedData = (text: string): string =>
  text.replace(SHOWN_TAG, '<$1').replace(SHOWN_CHAR, (shown, hex: string) => {
    const code = Number.parseInt(hex, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : shown;
  });
