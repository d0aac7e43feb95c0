/** Ends a suggestion where the block that the cursor is in (or that its line opens) ends. */
import { type Cursor, indentWidth, lineBefore } from '../cursor.ts';

/** Lines at the opening line's own indentation that still belong to it. */
const CONTINUES =
  /^\s*(?:[)\]}]|else\b|elif\b|elsif\b|except\b|catch\b|finally\b|rescue\b|ensure\b|end\b|fi\b|done\b|esac\b|case\b|default\b|when\b|\|>|\.|&&|\|\||\?|:)/;
const OPENS_AGAIN = /(?:[{([:]|=>|\b(?:do|then|else|begin))\s*$/;

export interface Scoped {
  text: string;
  /** The scope ended inside the text: more of it would be cut as well, so writing can stop. */
  isClosed: boolean;
}

/** `text` up to the end of its scope. Only whole lines are judged, so it can be asked while the text still grows. */
export function limitScope(text: string, cursor: Cursor): Scoped {
  const prefix = lineBefore(cursor);
  const isBlank = prefix.trim() === '';
  const base = indentWidth(prefix);
  const lines = text.split('\n');
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i]!;
    if (line.trim() === '') continue;
    const width = indentWidth(line);
    if (width < base) return closed(lines, i);
    if (width > base) continue;
    const isAfterGap = lines[i - 1]!.trim() === '';
    if (isBlank ? isAfterGap && i > 1 && lines[0]!.trim() !== '' : !CONTINUES.test(line))
      return closed(lines, i);
    if (!isBlank && !OPENS_AGAIN.test(line) && /^\s*(?:[)\]}]|end\b|fi\b|done\b|esac\b)/.test(line)) {
      if (i + 1 < lines.length) return closed(lines, i + 1);
    }
  }
  return { text, isClosed: false };
}

function closed(lines: string[], count: number): Scoped {
  return { text: lines.slice(0, count).join('\n'), isClosed: true };
}
