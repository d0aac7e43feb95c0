/** `@selection`, `@problems` and `@path/of/a.file` in a message, or with `#` instead, as others write it. Pure. */
import { MENTION_NAME } from '../../base/mention-name.ts';

export type Mention = { kind: 'selection' } | { kind: 'problems' } | { kind: 'file'; path: string };

/**
 * The mentions of a message, each once, without those that were in it `before` it was edited. Whether a path exists is for the caller
 * to see.
 */
export function mentionsOf(text: string, before = ''): Mention[] {
  const known = namesIn(before);
  const names = namesIn(text).filter(name => !known.includes(name));
  return [...new Set(names)].flatMap((name): Mention[] => {
    if (name === 'selection' || name === 'problems') return [{ kind: name }];
    return /[./]/.test(name) ? [{ kind: 'file', path: name.replaceAll('\\', '/') }] : [];
  });
}

const NAMES = new RegExp(String.raw`(?<![\w@#/.])[@#](${MENTION_NAME})`, 'gu');
/** Signs at the end are the sentence's, but for closed brackets. */
const SIGNS_BEHIND = /[^\p{L}\p{M}\p{N}_\])]+$/u;
/** Where words are written without blanks between them, one may go on right behind a path: `@src/a.ts的`. */
const BEFORE_UNSPACED = /^.*?\w(?=[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{sc=Thai}])/u;

function namesIn(text: string): string[] {
  const prose = text.replace(/```[\s\S]*?(```|$)|`[^`\n]*`/g, ' ');
  return [...prose.matchAll(NAMES)].flatMap(match => {
    const name = match[1]!.replace(SIGNS_BEHIND, '');
    return [name, ...(BEFORE_UNSPACED.exec(name) ?? [])];
  });
}
