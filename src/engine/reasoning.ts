/**
 * Takes what a model thinks out of what it answers, by the tokens that it was taught to write around them. Two forms:
 * `<think>` ... `</think>` (GLM, Qwen3), and the channels of gpt-oss, whose answer is in `final`
 * (https://cookbook.openai.com/articles/openai-harmony), or in `commentary`, where a tool is called.
 */
import type { TokenMask } from './grammar/wire.ts';
import { CALL_END, callHeader } from './tools/harmony.ts';

/** What a token adds to either. */
export interface AnswerPiece {
  text: string;
  reasoning: string;
}

export interface ReasoningReader {
  /** Ids of its markers, which may be drawn although special tokens are banned elsewhere. */
  readonly markers: ReadonlySet<number>;
  /** `text` is that of `token`. */
  push(token: number, text: string): AnswerPiece;
  /** A grammar is to follow the token that was pushed last. Of thoughts between tags it knows nothing; channels are text to it. */
  readonly isMatched: boolean;
  /** A grammar's mask, and what a thought may hold or begin with; `ends` only where the grammar has them, as a thought is no answer. */
  widen(mask: TokenMask, ends: Iterable<number>): TokenMask;
}

/** Ids by literal of the added tokens that are there; null if one is missing. */
type Ids<Name extends string> = Record<Name, number> | null;

const TAGS = { begin: '<think>', end: '</think>' } as const;
/** No answer holds them, so that where they stand in one they are text, and no template takes what is before them for a thought. */
export const THOUGHT_TAGS: readonly string[] = Object.values(TAGS);
const HARMONY = {
  start: '<|start|>',
  channel: '<|channel|>',
  message: '<|message|>',
  end: '<|end|>',
  constrain: '<|constrain|>',
} as const;

/**
 * The reader for an answer to `prompt`, by the tokens a tokenizer has (`specials`: literal by id); null for a model that was
 * not taught to think aloud. `hasCalls`: tools are on, so that a message to one is part of the answer. `isContinued`: the prompt
 * ends with the answer's beginning.
 */
export function reasoningReader(
  specials: ReadonlyMap<number, string>,
  prompt: readonly number[],
  { hasCalls = false, isContinued = false } = {},
): ReasoningReader | null {
  const harmony = idsOf(specials, HARMONY);
  if (harmony) {
    const isBegun = prompt.lastIndexOf(harmony.message) > prompt.lastIndexOf(harmony.start);
    return new HarmonyReader(harmony, hasCalls, isBegun);
  }
  const tags = idsOf(specials, TAGS);
  if (!tags) return null;
  // A template may have begun the thinking itself.
  const isBegun = prompt.lastIndexOf(tags.begin) > prompt.lastIndexOf(tags.end);
  return new TagReader(tags, isBegun, isContinued);
}

function idsOf<Name extends string>(
  specials: ReadonlyMap<number, string>,
  literals: Readonly<Record<Name, string>>,
): Ids<Name> {
  const byLiteral = new Map([...specials].map(([id, literal]) => [literal, id]));
  const entries = Object.entries<string>(literals).map(([name, literal]) => [name, byLiteral.get(literal)]);
  return entries.every(([, id]) => id !== undefined) ? (Object.fromEntries(entries) as Ids<Name>) : null;
}

class TagReader implements ReasoningReader {
  readonly markers: ReadonlySet<number>;
  readonly #ids: NonNullable<Ids<keyof typeof TAGS>>;
  #isThinking: boolean;
  isMatched: boolean;
  /** Blank lines between the thinking and the answer belong to neither. */
  #hasAnswered: boolean;

  constructor(ids: NonNullable<Ids<keyof typeof TAGS>>, isBegun: boolean, hasAnswered: boolean) {
    this.#ids = ids;
    this.#hasAnswered = hasAnswered;
    this.markers = new Set(Object.values(ids));
    this.#isThinking = isBegun;
    this.isMatched = !isBegun;
  }

  push(token: number, text: string): AnswerPiece {
    const isTag = this.markers.has(token);
    if (isTag) this.#isThinking = token === this.#ids.begin;
    this.isMatched = !(isTag || this.#isThinking);
    if (isTag) return { text: '', reasoning: '' };
    if (this.#isThinking) return { text: '', reasoning: text };
    const shown = this.#hasAnswered ? text : text.trimStart();
    this.#hasAnswered ||= shown !== '';
    return { text: shown, reasoning: '' };
  }

  widen(mask: TokenMask, ends: Iterable<number>): TokenMask {
    if (this.#isThinking) {
      const all = new Int32Array(mask.length).fill(-1);
      for (const id of ends) all[id >> 5]! &= mask[id >> 5]! | ~(1 << (id & 31));
      return all;
    }
    if (this.#hasAnswered) return mask;
    const { begin } = this.#ids;
    const widened = mask.slice();
    widened[begin >> 5]! |= 1 << (begin & 31);
    return widened;
  }
}

/**
 * A message is a header, `<|message|>`, text and `<|end|>`; the next begins with `<|start|>`. A header is a role and, behind
 * `<|channel|>`, the channel; the tool that is called, ` to=functions.name`, stands in either part.
 */
class HarmonyReader implements ReasoningReader {
  readonly markers: ReadonlySet<number>;
  readonly #ids: NonNullable<Ids<keyof typeof HARMONY>>;
  readonly #hasCalls: boolean;
  readonly isMatched = true;
  /** Of the message to come; null while the text of one is written. */
  #header: string | null = '';
  #kind: 'answer' | 'thought' | 'call' = 'thought';

  constructor(ids: NonNullable<Ids<keyof typeof HARMONY>>, hasCalls: boolean, isBegun: boolean) {
    this.#ids = ids;
    this.markers = new Set(Object.values(ids));
    this.#hasCalls = hasCalls;
    if (isBegun) this.#open('');
  }

  push(token: number, text: string): AnswerPiece {
    const { start, end, channel } = this.#ids;
    if (token === start || token === end || (token === channel && this.#header === null)) {
      const isCalled = this.#header === null && this.#kind === 'call';
      this.#header = token === channel ? text : '';
      // A model that forgets the token behind a call ends its message nevertheless.
      return { text: isCalled ? CALL_END : '', reasoning: '' };
    }
    if (this.#header === null) return this.#said(this.markers.has(token) ? '' : text);
    // By its text: a grammar lets a model spell the marker, and it counts all the same.
    this.#header += text;
    const at = this.#header.indexOf(HARMONY.message);
    if (at < 0) return { text: '', reasoning: '' };
    const rest = this.#header.slice(at + HARMONY.message.length);
    const begun = this.#open(this.#header.slice(0, at));
    const said = this.#said(rest);
    return { ...said, text: begun + said.text };
  }

  widen(mask: TokenMask): TokenMask {
    return mask;
  }

  #said(text: string): AnswerPiece {
    return this.#kind === 'thought' ? { text: '', reasoning: text } : { text, reasoning: '' };
  }

  /** Begins the text of a message; what of its header belongs to the answer. */
  #open(header: string): string {
    this.#header = null;
    const recipient = /\bto=([^\s<]+)/.exec(header)?.[1];
    // An answer without a channel is an answer.
    const channel = /<\|channel\|>\s*([a-z]*)/.exec(header)?.[1] ?? 'final';
    this.#kind = channel === 'analysis' ? 'thought' : 'answer';
    if (!recipient) return '';
    this.#kind = this.#hasCalls ? 'call' : 'thought';
    return this.#hasCalls ? callHeader(recipient) : '';
  }
}
