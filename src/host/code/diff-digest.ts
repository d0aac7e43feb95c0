/** A staged diff cut to what a small model can read: every file is named, and each gets its share of the room. */
const HEADER = /^diff --git a\/(.+?) b\/(.+)$/;
/** Lines of a diff that say nothing about what changed. */
const NOISE = /^(?:index [0-9a-f]+\.\.|similarity index|dissimilarity index|old mode|new mode)/;

/** `diff` in at most about `budgetChars` characters, files in order. */
export function digestDiff(diff: string, budgetChars: number): string {
  const files = splitFiles(diff);
  const sizes = files.map(file => file.length);
  const share = fairShare(sizes, budgetChars);
  return files.map(file => clip(file, share)).join('\n');
}

function splitFiles(diff: string): string[] {
  const files: string[][] = [];
  for (const line of diff.replaceAll('\r\n', '\n').split('\n')) {
    if (HEADER.test(line)) files.push([]);
    if (files.length === 0 || NOISE.test(line)) continue;
    files.at(-1)!.push(HEADER.test(line) ? line.replace(HEADER, 'file $2') : line);
  }
  return files.map(lines =>
    lines
      .filter(line => !/^(?:---|\+\+\+) (?:[ab]\/|\/dev\/null)/.test(line))
      .join('\n')
      .trimEnd(),
  );
}

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
