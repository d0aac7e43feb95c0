/** Marks of chat and infilling formats. The engine never samples them as tokens; a model can still spell them out. */
import { isMarkdown, isTagged } from '../markup.ts';
import type { Filter } from './filter.ts';

const SPECIAL = /<\|[\w▁ -]{2,32}\|>|<\/?(?:fim_(?:prefix|middle|suffix|pad)|s|EOT|PRE|SUF|MID)>|<file_sep>/g;
const STRUCK = /^<\/?s>$/;

/** Text up to the first special token. */
export const cutSpecialTokens: Filter = (text, { cursor: { languageId } }) => {
  // A tag there, for what is struck out.
  const hasTags =
    isTagged(languageId) || isMarkdown(languageId) || /^(?:javascript|.*react|php)$/.test(languageId);
  for (const { 0: mark, index } of text.matchAll(SPECIAL))
    if (!hasTags || !STRUCK.test(mark)) return text.slice(0, index);
  return text;
};
