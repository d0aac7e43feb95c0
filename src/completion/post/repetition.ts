/** A small model that has lost the thread repeats itself: a line, a few lines in turn, or a piece of a line. */
const LARGEST_PERIOD = 6;
/** This many equal turns in a row are a loop, not code. */
const TURNS = 3;
/** A line of at least this many characters is not written twice in a row on purpose. */
const TWICE_CHARS = 12;
/** A short piece repeated this often at the end of a line is a loop as well. */
const PIECE = /(.{1,24}?)\1{11,}$/;

/** Text with a loop of lines cut to its first turn; '' when a line itself loops. */
export function cutRepetition(text: string): string {
  const lines = text.split('\n');
  if (
    lines.some(line => /\S/.test(PIECE.exec(line)?.[1] ?? '') && !/^[-=*#/_~.]+$/.test(PIECE.exec(line)![1]!))
  )
    return '';
  for (let start = 0; start < lines.length; start++)
    for (let period = 1; period <= LARGEST_PERIOD; period++)
      if (isLoop(lines, start, period)) return lines.slice(0, start + period).join('\n');
  return text;
}

function isLoop(lines: string[], start: number, period: number): boolean {
  const isLongLine = period === 1 && lines[start]!.trim().length >= TWICE_CHARS;
  const end = start + period * (isLongLine ? 2 : TURNS);
  if (end > lines.length) return false;
  const turn = lines.slice(start, start + period);
  // Closing brackets in a row are the end of nested blocks.
  if (!turn.some(line => /[\p{L}\p{N}]/u.test(line))) return false;
  for (let i = start + period; i < end; i++) if (lines[i]!.trim() !== lines[i - period]!.trim()) return false;
  return true;
}
