/** Code is shown to the model without the indentation that all its lines share, and given it back afterwards. */

/** White space that every line with text begins with. */
export function sharedIndentation(text: string): string {
  const lines = text.split('\n').filter(line => line.trim() !== '');
  let shared: string | null = null;
  for (const line of lines) {
    const own = /^[ \t]*/.exec(line)![0];
    if (shared === null) shared = own;
    while (!own.startsWith(shared)) shared = shared.slice(0, -1);
  }
  return shared ?? '';
}

export function dedent(text: string): string {
  const shared = sharedIndentation(text);
  return mapLines(text, line => (line.startsWith(shared) ? line.slice(shared.length) : line.trimStart()));
}

/** `answer` in the place of `original`: its shared indentation, its tabs or spaces. Line ends are `\n`. */
export function indentLike(original: string, answer: string): string {
  const base = sharedIndentation(original);
  return mapLines(withUnitOf(original, dedent(answer)), line => (line.trim() === '' ? '' : base + line));
}

/** One step of indentation as the text shows it; null if nothing in it is indented. */
function unitOf(text: string): string | null {
  const indents = dedent(text)
    .split('\n')
    .filter(line => line.trim() !== '')
    .map(line => /^[ \t]*/.exec(line)![0])
    .filter(indent => indent !== '');
  if (indents.length === 0) return null;
  if (indents.some(indent => indent.startsWith('\t'))) return '\t';
  // A single space goes before the stars of a block comment, never as a step.
  const widths = indents.map(indent => indent.length).filter(width => width > 1);
  return widths.length === 0 ? null : ' '.repeat(Math.min(...widths));
}

function withUnitOf(original: string, answer: string): string {
  const [from, to] = [unitOf(answer), unitOf(original)];
  if (from === null || to === null || from === to || (from !== '\t' && to !== '\t')) return answer;
  return mapLines(answer, line => {
    let steps = 0;
    while (line.startsWith(from, steps * from.length)) steps++;
    return to.repeat(steps) + line.slice(steps * from.length);
  });
}

const mapLines = (text: string, change: (line: string) => string): string =>
  text.split('\n').map(change).join('\n');
