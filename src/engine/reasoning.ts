/**
 * Takes what a model thinks out of what it answers, by the tokens that it was taught to write around them. Two forms:
 * `<think>` ... `</think>` (GLM, Qwen3), and the channels of gpt-oss, whose answer is in `final`
 * (https://cookbook.openai.com/articles/openai-harmony).
 */

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
}

/** Ids by literal of the added tokens that are there; null if one is missing. */
type Ids<Name extends string> = Record<Name, number> | null;

const TAGS = { begin: '<think>', end: '</think>' } as const;
const HARMONY = {
  start: '<|start|>',
  channel: '<|channel|>',
  message: '<|message|>',
  end: '<|end|>',
  constrain: '<|constrain|>',
} as const;

/**
 * The reader for an answer to `prompt`, by the tokens a tokenizer has (`specials`: literal by id); null for a model that was
 * not taught to think aloud.
 */
export function reasoningReader(
  specials: ReadonlyMap<number, string>,
  prompt: readonly number[],
): ReasoningReader | null {
  const harmony = idsOf(specials, HARMONY);
  if (harmony) return new HarmonyReader(harmony);
  const tags = idsOf(specials, TAGS);
  if (!tags) return null;
  // A template may have begun the thinking itself.
  const isBegun = prompt.lastIndexOf(tags.begin) > prompt.lastIndexOf(tags.end);
  return new TagReader(tags, isBegun);
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
  /** Blank lines between the thinking and the answer belong to neither. */
  #hasAnswered = false;

  constructor(ids: NonNullable<Ids<keyof typeof TAGS>>, isBegun: boolean) {
    this.#ids = ids;
    this.markers = new Set(Object.values(ids));
    this.#isThinking = isBegun;
  }

  push(token: number, text: string): AnswerPiece {
    if (this.markers.has(token)) {
      this.#isThinking = token === this.#ids.begin;
      return { text: '', reasoning: '' };
    }
    if (this.#isThinking) return { text: '', reasoning: text };
    const shown = this.#hasAnswered ? text : text.trimStart();
    this.#hasAnswered ||= shown !== '';
    return { text: shown, reasoning: '' };
  }
}

/** A message is `<|channel|>` name `<|message|>` text `<|end|>`, the next begins with `<|start|>` and a role. */
class HarmonyReader implements ReasoningReader {
  readonly markers: ReadonlySet<number>;
  readonly #ids: NonNullable<Ids<keyof typeof HARMONY>>;
  /** What stands between `<|channel|>` and `<|message|>`; null outside. */
  #header: string | null = null;
  /** Of the message that is being written; null between messages, where only roles stand. */
  #channel: string | null = null;

  constructor(ids: NonNullable<Ids<keyof typeof HARMONY>>) {
    this.#ids = ids;
    this.markers = new Set(Object.values(ids));
  }

  push(token: number, text: string): AnswerPiece {
    const { channel, message, start, end } = this.#ids;
    if (token === channel) this.#header = '';
    else if (token === message) {
      // An answer without a channel is an answer.
      this.#channel = this.#header ?? 'final';
      this.#header = null;
    } else if (token === start || token === end) {
      this.#channel = null;
      this.#header = null;
    } else if (this.#header !== null) this.#header += text;
    else if (this.#channel !== null) {
      return this.#channel.trim() === 'final' ? { text, reasoning: '' } : { text: '', reasoning: text };
    }
    return { text: '', reasoning: '' };
  }
}
