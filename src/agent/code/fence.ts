/** The code in a model's answer. */

/** A fence that `code` itself can't close: three backticks, or one more than its longest run. */
export function fenceFor(code: string): string {
  const longest = Math.max(2, ...(code.match(/`+/g) ?? []).map(run => run.length));
  return '`'.repeat(longest + 1);
}

/**
 * The content of the first fenced block of `answer`; all of it when it has no fence. An answer that was begun inside a
 * block has only the closing fence, or none. '' if there is no code.
 */
export function codeOf(answer: string, fence: string): string {
  const lines = answer.replaceAll('\r\n', '\n').split('\n');
  const isFence = (line: string) => line.trimStart().startsWith(fence);
  const isBare = (line: string) => isFence(line) && line.trim() === fence;
  const first = lines.findIndex(isFence);
  if (first < 0) return trimBlankLines(lines);
  // A bare fence after code closes a block that was open from the start; otherwise it opens one.
  const isClosing = isBare(lines[first]!) && first > 0 && !lines.slice(first + 1).some(isFence);
  if (isClosing) return trimBlankLines(lines.slice(0, first));
  const body = lines.slice(first + 1);
  const end = body.findIndex(isFence);
  return trimBlankLines(end < 0 ? body : body.slice(0, end));
}

function trimBlankLines(lines: string[]): string {
  const isText = (line: string) => line.trim() !== '';
  const start = lines.findIndex(isText);
  return start < 0 ? '' : lines.slice(start, lines.findLastIndex(isText) + 1).join('\n');
}
