/** How a long text above the cursor is cut, so that what is left can be told apart into code, strings and comments. */
import { isProseLanguage, isTagged } from './markup.ts';
import { wordsOf } from './post/structure.ts';

/**
 * Where an operand may begin; the quotes in one are no strings. The slash comes first, since what is before it would be
 * looked for at every character.
 */
const PATTERN =
  /\/(?<=(?:[=(,:;!&|?{}[>]|\breturn)\s{0,20}\/)(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\//;
const HAS_PATTERNS = /^(?:java|type)script/;

/**
 * The end of `text`, at most `chars` long. It begins in no string and no comment: one that the cut falls into is left out
 * to its end, since half a docstring turns what is code below it into words; unless that is most of the text, where a
 * mark was more likely misread. `text` should begin where the document does.
 */
export function cutAbove(text: string, chars: number, languageId: string): string {
  const from = text.length - chars;
  if (from <= 0) return text;
  if (isProseLanguage(languageId) || isTagged(languageId)) return text.slice(from);
  const { source } = wordsOf(languageId);
  const words = new RegExp(HAS_PATTERNS.test(languageId) ? `${PATTERN.source}|${source}` : source, 'g');
  for (const { 0: word, index } of text.matchAll(words)) {
    if (index >= from) break;
    const end = index + word.length;
    if (end > from) return text.slice(text.length - end < chars / 2 ? from : end);
  }
  return text.slice(from);
}
