/**
 * A diff of git's, file by file. How names look in it is the user's setting: with other prefixes than `a/` and `b/`
 * (`diff.mnemonicPrefix`) or none (`diff.noprefix`), in quotes and with escapes when they are not ASCII (`core.quotePath`). Pure.
 */
export interface DiffFile {
  /** From the root of the repository; of a file that was renamed, the new one. */
  path: string;
  /** What stands before the first hunk, without the line that begins the file. */
  head: string[];
  /** From the first `@@` on. */
  hunks: string[];
}

const START = /^diff --(git|cc|combined) (.+)$/;

export function diffFiles(diff: string): DiffFile[] {
  const files: { names: string; head: string[]; hunks: string[] }[] = [];
  for (const line of diff.replaceAll('\r\n', '\n').split('\n')) {
    const [, kind, names] = START.exec(line) ?? [];
    const file = files.at(-1);
    // Where branches meet, the name stands there once.
    if (names !== undefined)
      files.push({ names: kind === 'git' ? names : `${names} ${names}`, head: [], hunks: [] });
    else if (file) (file.hunks.length > 0 || line.startsWith('@@') ? file.hunks : file.head).push(line);
  }
  return files.map(({ names, head, hunks }) => ({ path: pathOf(names, head), head, hunks }));
}

/** `names`: before and after, with a space between, which may be in a name too. */
function pathOf(names: string, head: readonly string[]): string {
  const moved = head.map(line => /^(?:rename|copy) to (.+)$/.exec(line)?.[1]).find(Boolean);
  if (moved) return unquoted(moved);
  // Of the same file, so both are the same but for the prefix, which is as long in both.
  const middle = (names.length - 1) / 2;
  if (names[middle] !== ' ') return unquoted(names);
  const before = unquoted(names.slice(0, middle));
  const after = unquoted(names.slice(middle + 1));
  let same = 0;
  while (same < after.length && before.at(-1 - same) === after.at(-1 - same)) same++;
  if (same === after.length) return after;
  const path = after.slice(after.length - same);
  return path.slice(path.indexOf('/') + 1);
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  t: '\t',
  n: '\n',
  v: '\v',
  f: '\f',
  r: '\r',
};

/** As C writes a string: bytes outside ASCII are three octal digits each. */
function unquoted(name: string): string {
  if (!/^".*"$/.test(name)) return name;
  const bytes = Buffer.from(name.slice(1, -1))
    .toString('latin1')
    .replace(/\\([0-7]{3}|.)/g, (_, code: string) =>
      code.length === 3 ? String.fromCharCode(Number.parseInt(code, 8)) : (ESCAPES[code] ?? code),
    );
  return Buffer.from(bytes, 'latin1').toString();
}
