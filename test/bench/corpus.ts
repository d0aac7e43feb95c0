/** Texts to read: the Python standard library of this machine, which every model knows equally well. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Corpus {
  /** Which Python the text is from. */
  version: string;
  text: string;
}

/** `files` in order, joined. Long enough for the longest prompt. */
export function readCorpus(files: readonly string[]): Corpus {
  const script = 'import sys, sysconfig; print(sys.version.split()[0], sysconfig.get_path("stdlib"))';
  const [version, folder] = execFileSync('python3', ['-c', script], { encoding: 'utf8' })
    .trim()
    .split(' ', 2);
  return { version: version!, text: files.map(file => readFileSync(join(folder!, file), 'utf8')).join('\n') };
}

export const SPEED_FILES = ['argparse.py', 'textwrap.py', 'heapq.py'];
export const QUALITY_FILES = ['textwrap.py', 'heapq.py'];
export const LEVEL_FILES = [
  'argparse.py',
  'ast.py',
  'dataclasses.py',
  'difflib.py',
  'inspect.py',
  'shutil.py',
  'socket.py',
  'statistics.py',
  'subprocess.py',
  'tarfile.py',
  'threading.py',
  'typing.py',
];

/**
 * The shortest start of `text` that is exactly `tokens` tokens long, behind a first token that differs by `round`, so
 * that no round can reuse the one before. Cutting text can change how its end is tokenised, hence the search.
 */
export async function promptOfLength(
  text: string,
  tokens: number,
  round: number,
  tokenize: (text: string) => Promise<{ length: number }>,
): Promise<string> {
  const start = `${String.fromCharCode(65 + (round % 26))}${round}\n`;
  let low = 0;
  let high = Math.min(text.length, tokens * 12);
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((await tokenize(start + text.slice(0, middle))).length < tokens) low = middle + 1;
    else high = middle;
  }
  for (let length = low; length < low + 40; length++) {
    const prompt = start + text.slice(0, length);
    if ((await tokenize(prompt)).length === tokens) return prompt;
  }
  throw new Error(`No start of the corpus has exactly ${tokens} tokens.`);
}
