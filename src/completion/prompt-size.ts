/** How large a prompt may be: by what is read while nobody waits, and by what the model's context holds. In characters. */

export interface PromptSize {
  /** Of the document, where a window is read in peace. */
  before: number;
  after: number;
  /** What a window may grow to before the cursor by what is typed. */
  grown: number;
  /** Of other files. */
  files: number;
}

const LEAST_BEFORE = 1500;
const MOST_BEFORE = 6000;
/** Of what can be read in peace the document itself comes first, with this share. */
const DOCUMENT_SHARE = 0.4;
/** Of the text before the cursor, what follows it. */
const AFTER_SHARE = 0.25;
const LEAST_AFTER = 600;
const MOST_AFTER = 1500;
/** A window that was read in peace is used while so much is typed. */
const GROWTH = 4500;
/** Of a small context, what stands before the cursor at most, that of it which is not kept for what is typed, and what follows. */
const GROWN_ROOM = 0.6;
const BEFORE_ROOM = 0.6;
const AFTER_ROOM = 0.15;

/** `idleChars` are read while nobody waits, `roomChars` fit into the context; at least `leastFileChars` of them are other files'. */
export function promptSize(idleChars: number, roomChars = Infinity, leastFileChars = 0): PromptSize {
  const wanted = between(LEAST_BEFORE, idleChars * DOCUMENT_SHARE, MOST_BEFORE);
  const grown = Math.min(wanted + GROWTH, roomChars * GROWN_ROOM);
  const before = Math.min(wanted, grown * BEFORE_ROOM);
  const after = Math.min(between(LEAST_AFTER, wanted * AFTER_SHARE, MOST_AFTER), roomChars * AFTER_ROOM);
  const files = Math.min(Math.max(leastFileChars, idleChars - before), roomChars - grown - after);
  const floor = Math.floor;
  return { before: floor(before), after: floor(after), grown: floor(grown), files: floor(files) };
}

/** Where little is read in peace. */
export const SLOWEST: PromptSize = promptSize(0);

function between(least: number, size: number, most: number): number {
  return Math.min(Math.max(least, size), most);
}

/** Kept free for what is written, for the marks of the prompt and the document's path. */
const RESERVED_TOKENS = 224;
/** Code that is full of figures and signs, or words of another script; code on average has 3.3. */
const CHARS_PER_TOKEN = 2.5;
/** The document is denser than that. */
const DENSER = 0.7;
/** A prompt that fitted may be of a part of it that is less dense than the rest. */
const LOOSER = 1.1;

/** What the model's context holds. */
export class Room {
  private charsPerToken = CHARS_PER_TOKEN;
  /** Of the context; not known before the model has answered. */
  private tokens = Infinity;

  /** For another model, whose tokens are others. */
  fitTo(contextTokens: number): void {
    this.tokens = contextTokens;
    this.forgetDensity();
  }

  get chars(): number {
    return Math.max(0, this.tokens - RESERVED_TOKENS) * this.charsPerToken;
  }

  /** A prompt was refused that should have fitted. */
  tighten(): void {
    this.charsPerToken *= DENSER;
  }

  /** A prompt fitted. Where its text is less dense than was thought, more of it would. */
  loosen(chars: number, tokens: number): void {
    const { charsPerToken } = this;
    const looser = Math.min(CHARS_PER_TOKEN, charsPerToken * LOOSER, chars / tokens);
    this.charsPerToken = Math.max(charsPerToken, looser);
  }

  forgetDensity(): void {
    this.charsPerToken = CHARS_PER_TOKEN;
  }
}
