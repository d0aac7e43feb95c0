/**
 * Somebody's session in a file, as a list of keystrokes: made from the file itself with seeded chance, so that it is the
 * same in every run. The file is opened with some of its lines missing; the user jumps from gap to gap and types them
 * back, rewrites the end of a line here and there, mistypes and corrects. At the end the file is whole again.
 */
import { seededRandom } from '../../src/engine/random.ts';

/** After `pauseMs`, in which nothing is pressed. A line break brings its indentation with it, as the editor types it. */
export type Keystroke = { pauseMs: number } & (
  | { kind: 'type'; text: string }
  | { kind: 'delete' }
  | { kind: 'jump'; offset: number }
);

export interface Editor {
  text: string;
  /** The cursor: characters before it. */
  offset: number;
}

export function press({ text, offset }: Editor, key: Keystroke): Editor {
  if (key.kind === 'jump') return { text, offset: key.offset };
  const typed = key.kind === 'type' ? key.text : '';
  const before = key.kind === 'type' ? text.slice(0, offset) : text.slice(0, offset - 1);
  return { text: before + typed + text.slice(offset), offset: before.length + typed.length };
}

export interface Recording {
  opened: Editor;
  keys: Keystroke[];
}

/** Gaps in the file, of one or two lines. */
const GAPS = 12;
const GAP_LINES = 2;
/** A line inside a function or its documentation: what is typed most. */
const BODY_LINE = /^(?: {2}|\t)\s*[A-Za-z_].{8,60}$/;
const CHANCE = { secondLine: 0.5, typo: 0.04, rewrite: 0.7, thought: 0.05 } as const;
/** Milliseconds before a key, as medians: some 60 words a minute, slower where a word or a line begins. */
const PAUSES = { key: 130, word: 190, line: 420, correction: 260, thought: 1100, jump: 1500 } as const;
/** Width of the log-normal distribution around them. */
const SIGMA = 0.3;

/** Throws where the file has too few lines that can be left out. */
export function recordSession(source: string, seed: number): Recording {
  const random = seededRandom(seed);
  const lines = source.split('\n');
  const gaps = chooseGaps(lines, random);
  const isMissing = new Set(gaps.flat());
  const opened: Editor = { text: lines.filter((_, i) => !isMissing.has(i)).join('\n'), offset: 0 };
  const user = new Typist(opened, random);
  for (const gap of gaps) {
    const above = lines.slice(0, gap[0]).filter((_, i) => !isMissing.has(i));
    user.jump(above.join('\n').length);
    if (random() < CHANCE.rewrite) user.rewriteLastWord();
    for (const line of gap) {
      user.typeLine(lines[line]!);
      isMissing.delete(line);
    }
  }
  return { opened, keys: user.keys };
}

/** Line numbers of each gap, in the order in which the user comes to them: up and down the file. */
function chooseGaps(lines: readonly string[], random: () => number): number[][] {
  const gaps = Array.from({ length: GAPS }, (_, n) => {
    const from = Math.max(1, Math.floor((lines.length * n) / GAPS));
    const to = Math.floor((lines.length * (n + 1)) / GAPS) - GAP_LINES;
    const first = lines.findIndex((line, i) => i >= from && i < to && BODY_LINE.test(line));
    if (first < 0) return [];
    const isLonger = BODY_LINE.test(lines[first + 1]!) && random() < CHANCE.secondLine;
    return isLonger ? [first, first + 1] : [first];
  }).filter(gap => gap.length > 0);
  if (gaps.length < GAPS / 2) throw new Error('The file has too few lines of code for a session of typing.');
  return gaps
    .map(gap => ({ gap, order: random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ gap }) => gap);
}

class Typist {
  readonly keys: Keystroke[] = [];
  #editor: Editor;
  readonly #random: () => number;

  constructor(editor: Editor, random: () => number) {
    this.#editor = editor;
    this.#random = random;
  }

  jump(offset: number): void {
    this.#press({ kind: 'jump', offset, pauseMs: this.#pause(PAUSES.jump) });
  }

  /** Line break, indentation, then character by character. */
  typeLine(line: string): void {
    const indent = /^\s*/.exec(line)![0];
    this.#type(`\n${indent}`, PAUSES.line);
    this.#typeText(line.slice(indent.length));
  }

  rewriteLastWord(): void {
    const { text, offset } = this.#editor;
    const word = /\S{1,12}$/.exec(text.slice(0, offset))?.[0] ?? '';
    for (let i = 0; i < word.length; i++) this.#delete(i === 0 ? PAUSES.correction : PAUSES.key);
    this.#typeText(word);
  }

  #typeText(text: string): void {
    let previous = ' ';
    for (const char of text) {
      const isWordStart = previous === ' ';
      if (/[a-z]/.test(char) && this.#random() < CHANCE.typo) {
        this.#type(char === 'z' ? 'a' : String.fromCharCode(char.charCodeAt(0) + 1), PAUSES.key);
        this.#delete(PAUSES.correction);
      }
      const isThought = isWordStart && this.#random() < CHANCE.thought;
      this.#type(char, isThought ? PAUSES.thought : isWordStart ? PAUSES.word : PAUSES.key);
      previous = char;
    }
  }

  #type(text: string, medianMs: number): void {
    this.#press({ kind: 'type', text, pauseMs: this.#pause(medianMs) });
  }

  #delete(medianMs: number): void {
    this.#press({ kind: 'delete', pauseMs: this.#pause(medianMs) });
  }

  #press(key: Keystroke): void {
    this.keys.push(key);
    this.#editor = press(this.#editor, key);
  }

  /** Log-normal (Box-Muller). */
  #pause(medianMs: number): number {
    const normal = Math.sqrt(-2 * Math.log(1 - this.#random())) * Math.cos(2 * Math.PI * this.#random());
    return Math.round(medianMs * Math.exp(SIGMA * normal));
  }
}
