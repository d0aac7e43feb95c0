/** The part of a file that speaks most of what the cursor's surroundings speak of: by the identifiers in common. */
const WINDOW_LINES = 40;
const STEP_LINES = 10;
/** Of the text before the cursor, what is being worked on. */
const NEAR_CHARS = 2000;
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
export function mostSimilarPart(text: string, wanted: ReadonlySet<string>): Part | null {
  const lines = text.split('\n');
  let best: Part | null = null;
  for (let start = 0; start === 0 || start + WINDOW_LINES - STEP_LINES < lines.length; start += STEP_LINES) {
    const part = lines.slice(start, start + WINDOW_LINES).join('\n');
    const score = jaccard(identifiers(part), wanted);
    if (score > (best?.score ?? 0)) best = { text: part.trim(), score };
  }
  return best;
}

const identifiers = (text: string): Set<string> => new Set(namesIn(text).map(({ name }) => name));

/** The program's own names, and where they begin. */
export const namesIn = (text: string): { name: string; index: number }[] =>
  [...text.matchAll(IDENTIFIER)]
    .map(({ 0: name, index }) => ({ name, index }))
    .filter(({ name }) => !COMMON_WORDS.has(name));

function jaccard(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let common = 0;
  for (const word of a) if (b.has(word)) common++;
  return common === 0 ? 0 : common / (a.size + b.size - common);
}
