/** Why an edit could not be placed, in words that let a model write a better one. */
import { findNearest } from './find-lines.ts';
import { isBlank, type LfText, splitLines } from './lines.ts';

/** A longer region costs more of the window than it helps. */
const SHOWN_LINES = 20;
const SHOWN_PLACES = 5;
const SHOWN_CHARS = 300;
/** Shorter new text is in many files by chance. */
const TELLING_CHARS = 10;

const cut = (line: string): string => (line.length > SHOWN_CHARS ? `${line.slice(0, SHOWN_CHARS)}…` : line);

export function explainMany(file: LfText, offsets: readonly number[]): string {
  const lines = offsets.slice(0, SHOWN_PLACES).map(at => file.lineAt(at) + 1);
  const more = offsets.length > SHOWN_PLACES ? ' and more' : '';
  return (
    `The old text occurs ${offsets.length} times (lines ${lines.join(', ')}${more}). ` +
    'Add lines before or after it until it occurs once.'
  );
}

export function explainMissing(file: LfText, oldText: string, newText = ''): string {
  if (newText.trim().length >= TELLING_CHARS && file.text.includes(newText)) {
    return 'The old text is not in the file (0 matches), but the new text is: this edit seems to be made already.';
  }
  const written = splitLines(oldText).map(line => line.text);
  const lines = file.lines.map(line => line.text);
  const skip = Math.max(
    0,
    written.findIndex(line => !isBlank(line)),
  );
  const nearest = findNearest(lines, written.slice(skip));
  if (nearest === null) {
    return 'The old text is not in the file (0 matches), nor anything like it. Read the file again and copy the lines from it.';
  }
  const wrong = written
    .slice(skip)
    .findIndex((line, index) => lines[nearest + index]?.trim() !== line.trim());
  const region = lines
    .slice(nearest, nearest + Math.min(SHOWN_LINES, written.length + 2))
    .map((line, index) => `${nearest + index + 1}: ${cut(line)}`)
    .join('\n');
  const difference =
    wrong < 0
      ? 'The lines are the same apart from their indentation, which is not uniform.'
      : `First line that differs: ${quoted(written[skip + wrong])}, the file has ${quoted(lines[nearest + wrong])}.`;
  return `The old text is not in the file (0 matches). ${difference} The nearest lines of the file:\n${region}`;
}

const quoted = (line: string | undefined): string =>
  line === undefined ? 'no more lines' : JSON.stringify(cut(line));
