/** A staged diff cut to what a small model can read: every file is named, and each gets its share of the room. */
import { type DiffFile, diffFiles } from './diff-files.ts';

/** Lines before the first hunk that say nothing about what changed. */
const NOISE = /^(?:index [0-9a-f]+[.,]|similarity index|dissimilarity index|old mode|new mode|--- |\+\+\+ )/;

/** `diff` in at most about `budgetChars` characters, files in order. '' when there are none. */
export function digestDiff(diff: string, budgetChars: number): string {
  const files = diffFiles(diff).map(digestFile);
  const sizes = files.map(file => file.length);
  const share = fairShare(sizes, budgetChars);
  return files.map(file => clip(file, share)).join('\n');
}

const digestFile = ({ path, head, hunks }: DiffFile): string =>
  [`file ${path}`, ...head.filter(line => !NOISE.test(line)), ...hunks].join('\n').trimEnd();

/** The size s such that the sum of min(size, s) is the budget: short files keep all, long ones are cut alike. */
function fairShare(sizes: readonly number[], budget: number): number {
  let room = budget;
  const ascending = [...sizes].sort((a, b) => a - b);
  for (const [index, size] of ascending.entries()) {
    const share = Math.floor(room / (ascending.length - index));
    if (size > share) return share;
    room -= size;
  }
  return Number.POSITIVE_INFINITY;
}

function clip(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const cut = text.slice(0, Math.max(0, limit));
  const lines = cut.slice(0, Math.max(cut.lastIndexOf('\n'), text.indexOf('\n')));
  const left = text.split('\n').length - lines.split('\n').length;
  return `${lines || text.split('\n')[0]}\n[${left} more lines]`;
}
