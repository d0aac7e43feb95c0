/** Marks of chat and infilling formats. The engine never samples them as tokens; a model can still spell them out. */
const SPECIAL = /<\|[\w▁ -]{2,32}\|>|<\/?(?:fim_(?:prefix|middle|suffix|pad)|s|EOT|PRE|SUF|MID)>|<file_sep>/;

/** Text up to the first special token. */
export function cutSpecialTokens(text: string): string {
  const found = SPECIAL.exec(text);
  return found ? text.slice(0, found.index) : text;
}
