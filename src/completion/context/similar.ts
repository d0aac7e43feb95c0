/** The part of a file that speaks most of what the cursor's surroundings speak of: by the identifiers in common. */
const WINDOW_LINES = 40;
const STEP_LINES = 10;
/** Of the text before the cursor, what is being worked on. */
const NEAR_CHARS = 2000;
/** Texts whose windows are remembered: more than are looked at for one prompt. */
const REMEMBERED = 40;
/** Fewer letters are loop variables and noise. */
const IDENTIFIER = /[A-Za-z_$][\w$]{2,}/g;
/** Words of every program say nothing of this one. */
export const COMMON_WORDS: ReadonlySet<string> = new Set(
  (
    'const let var function return import from export class extends this self def async await for while else elif ' +
    'true false null None True False undefined new try catch except finally throw raise public private static void ' +
    'string number int float bool boolean type interface struct enum impl use pub and not with pass default case ' +
    'switch break continue package func'
  ).split(' '),
);

export interface Part {
  text: string;
  /** Jaccard similarity of the two sets of identifiers, 0 to 1. */
  score: number;
}

export const wordsNear = (before: string): ReadonlySet<string> => identifiers(before.slice(-NEAR_CHARS));

/** The best window of whole lines; null where nothing is in common. */
export const mostSimilarPart = (text: string, wanted: ReadonlySet<string>): Part | null =>
  bestWindow(new Windows(text), wanted);

/** The same for texts that are asked about again and again: each is read once, for as long as it stays as it is. */
export class SimilarParts {
  private readonly known = new Map<string, Windows>();

  /** Whether `text`, known as `key`, was read already: else finding its part takes time. */
  isRead(key: string, text: string): boolean {
    return this.known.get(key)?.text === text;
  }

  find(key: string, text: string, wanted: ReadonlySet<string>): Part | null {
    const windows = this.isRead(key, text) ? this.known.get(key)! : new Windows(text);
    this.known.delete(key);
    this.known.set(key, windows);
    if (this.known.size > REMEMBERED) this.known.delete(this.known.keys().next().value!);
    return bestWindow(windows, wanted);
  }
}

/** A text by its windows of whole lines. */
class Windows {
  readonly text: string;
  /** Identifiers of each. */
  readonly sizes: number[] = [];
  /** By identifier the windows that have it. */
  readonly having = new Map<string, number[]>();

  constructor(text: string) {
    this.text = text;
    const lines = text.split('\n');
    for (
      let start = 0;
      start === 0 || start + WINDOW_LINES - STEP_LINES < lines.length;
      start += STEP_LINES
    ) {
      const words = identifiers(linesFrom(lines, start));
      for (const word of words) {
        const having = this.having.get(word);
        if (having) having.push(this.sizes.length);
        else this.having.set(word, [this.sizes.length]);
      }
      this.sizes.push(words.size);
    }
  }
}

const linesFrom = (lines: readonly string[], start: number): string =>
  lines.slice(start, start + WINDOW_LINES).join('\n');

function bestWindow({ text, sizes, having }: Windows, wanted: ReadonlySet<string>): Part | null {
  const common = sizes.map(() => 0);
  for (const word of wanted) for (const window of having.get(word) ?? []) common[window]!++;
  const scores = sizes.map((size, i) => (common[i] ? common[i] / (size + wanted.size - common[i]) : 0));
  const score = Math.max(...scores);
  if (score === 0) return null;
  return { text: linesFrom(text.split('\n'), scores.indexOf(score) * STEP_LINES).trim(), score };
}

const isOwn = (word: string): boolean => !COMMON_WORDS.has(word);
const identifiers = (text: string): Set<string> => new Set((text.match(IDENTIFIER) ?? []).filter(isOwn));

/** The program's own names, and where they begin. */
export const namesIn = (text: string): { name: string; index: number }[] =>
  [...text.matchAll(IDENTIFIER)]
    .map(({ 0: name, index }) => ({ name, index }))
    .filter(({ name }) => isOwn(name));
