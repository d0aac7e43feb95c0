/** The lines of a unified diff, for the page. Pure. */

export interface DiffLine {
  /** `gap`: lines are left out here; `file`: what follows is about this file. */
  kind: 'added' | 'removed' | 'same' | 'file' | 'gap';
  text: string;
}

/** Anything that is not a diff comes out as `same` lines: nothing of what the user approves may be missing. */
export function parseDiff(diff: string): DiffLine[] {
  const lines: DiffLine[] = [];
  let [oldLeft, newLeft] = [0, 0];
  for (const line of diff.replace(/\n$/, '').split('\n')) {
    const inHunk = oldLeft > 0 || newLeft > 0;
    if (inHunk && /^[ +-]|^$/.test(line)) {
      const mark = line[0] ?? ' ';
      if (mark !== '+') oldLeft--;
      if (mark !== '-') newLeft--;
      lines.push({ kind: mark === '+' ? 'added' : mark === '-' ? 'removed' : 'same', text: line.slice(1) });
      continue;
    }
    const hunk = line.match(/^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@ ?(.*)$/);
    if (hunk) {
      [oldLeft, newLeft] = [Number(hunk[1] ?? 1), Number(hunk[2] ?? 1)];
      if (lines.length > 0 && lines.at(-1)?.kind !== 'file') lines.push({ kind: 'gap', text: hunk[3] ?? '' });
    } else if (line.startsWith('--- ')) {
      const name = fileName(line);
      if (name) lines.push({ kind: 'file', text: name });
    } else if (line.startsWith('+++ ')) {
      // A created file has no old name.
      const name = fileName(line);
      if (name && lines.at(-1)?.kind !== 'file') lines.push({ kind: 'file', text: name });
    } else {
      lines.push({ kind: 'same', text: line });
    }
  }
  return lines;
}

/** Drawn unasked, each as an element: with a hundred thousand the page freezes. */
const DRAWN_LINES = 2000;

/** What is drawn: the first lines and, of a diff that is asked for `whole`, the others in few rows. */
export function drawnRows(lines: readonly DiffLine[], whole: boolean): { rows: DiffLine[]; isCut: boolean } {
  const first = lines.slice(0, DRAWN_LINES);
  const rest = lines.slice(DRAWN_LINES);
  return whole
    ? { rows: [...first, ...joinLines(rest)], isCut: false }
    : { rows: first, isCut: rest.length > 0 };
}

/** Those of one kind that follow one another as one, to be drawn by few elements. */
function joinLines(lines: readonly DiffLine[]): DiffLine[] {
  const runs: { kind: DiffLine['kind']; texts: string[] }[] = [];
  for (const { kind, text } of lines) {
    const last = runs.at(-1);
    if (last?.kind === kind) last.texts.push(text);
    else runs.push({ kind, texts: [text] });
  }
  return runs.map(({ kind, texts }) => ({ kind, text: texts.join('\n') }));
}

function fileName(line: string): string | null {
  const name = line.slice(4).replace(/\t.*$/, '').trim();
  return name === '/dev/null' ? null : name.replace(/^[ab]\//, '');
}
