/**
 * Drafts for the next tokens, copied from where the last few tokens stood before in the same text (prompt lookup
 * decoding, github.com/apoorvumang/prompt-lookup-decoding). Code repeats itself: a draft is checked by the model in one
 * run with the token before it, which costs far less than one run for each of its tokens.
 */

/** Earlier places of the last two tokens that are compared; the nearest first. */
const PLACES = 12;
/** Longer matches say no more. */
const LONGEST_MATCH = 6;
/** Share of drafted tokens that were right, by length of the match, before there is any experience. */
const FIRST_GUESS = [0, 0, 0.4, 0.55, 0.65, 0.75, 0.8];
/** How much one answer says against all before it. */
const LEARNING_RATE = 0.08;
/** What a match that was not worth a draft gains each time, so that drafting is tried again after a bad stretch. */
const RECOVERY = 0.01;

export class PromptLookup {
  readonly #tokens: number[] = [];
  /** Last place of a pair of tokens: the index of its second token. */
  readonly #last = new Map<number, number>();
  /** By index of a pair's second token: the place of the same pair before, or -1. */
  readonly #before: number[] = [];
  readonly #chances = [...FIRST_GUESS];
  #match = 0;

  constructor(prompt: readonly number[]) {
    for (const token of prompt) this.push(token);
  }

  push(token: number): void {
    const at = this.#tokens.push(token) - 1;
    // Vocabularies are far below 2^20 ids, so a pair is one exact number; -1 stands before the first token.
    const key = (this.#tokens[at - 1] ?? -1) * 2 ** 20 + token;
    this.#before.push(this.#last.get(key) ?? -1);
    this.#last.set(key, at);
  }

  /**
   * Tokens that may come next, at most `room`. `rowCost` is what one more row adds to a run, as a share of a run of one
   * row: a token is drafted only while it is likelier than that to be right. `otherwise` is what would be gained without
   * this draft, in tokens less their rows' costs: where the draft promises no more there is none.
   */
  draft(room: number, rowCost: number, otherwise = 0): number[] {
    const place = this.#bestPlace();
    if (place < 0 || room < 1) return [];
    const chance = this.#chances[this.#match]!;
    // The n-th token is worth its row while all n are right with a probability above its cost.
    const worth = chance > rowCost ? Math.floor(Math.log(rowCost) / Math.log(chance)) : 0;
    const draft = this.#tokens.slice(place + 1, place + 1 + Math.min(room, worth));
    const gain = draft.reduce((sum, _, i) => sum + chance ** (i + 1) - rowCost, 0);
    if (gain > otherwise) return draft;
    this.#chances[this.#match] = Math.min(FIRST_GUESS[this.#match]!, chance + RECOVERY);
    return [];
  }

  /** Tells how the last draft went: `right` of its `length` tokens were what the model wrote. */
  learn(right: number, length: number): void {
    const answers = Math.min(right + 1, length); // tokens after the first wrong one were not judged
    for (let i = 0; i < answers; i++) {
      const chance = this.#chances[this.#match]!;
      this.#chances[this.#match] = chance + LEARNING_RATE * ((i < right ? 1 : 0) - chance);
    }
  }

  /** Where the longest run of last tokens stood before, as the index of its end; -1 if there is none. */
  #bestPlace(): number {
    const end = this.#tokens.length - 1;
    let best = -1;
    this.#match = 0;
    let place = this.#before[end] ?? -1;
    for (let n = 0; n < PLACES && place >= 0; n++) {
      let length = 2;
      while (length < LONGEST_MATCH && place >= length && this.#isSame(place - length, end - length))
        length++;
      if (length > this.#match) {
        this.#match = length;
        best = place;
      }
      place = this.#before[place]!;
    }
    return best;
  }

  #isSame(a: number, b: number): boolean {
    return this.#tokens[a] === this.#tokens[b];
  }
}
