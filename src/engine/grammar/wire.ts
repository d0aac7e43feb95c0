/** Messages between the engine and its grammar thread: method -> [arguments, reply]. Replies come in the order of requests. */

/** What the library compiles. */
export type GrammarSource =
  /** A JSON Schema as text. */
  | { kind: 'json-schema'; text: string }
  /** EBNF with a rule `root`. */
  | { kind: 'ebnf'; text: string }
  /** JSON of a structural tag: free text with tagged parts (dialect.ts). */
  | { kind: 'structural-tag'; text: string };

export interface VocabularyArgs {
  /** Bytes of all tokens end to end; token id's are pool[starts[id]..ends[id]], nothing for one that is not text. */
  pool: Uint8Array;
  starts: Int32Array;
  ends: Int32Array;
  /** Tokens that end an answer; allowed exactly where the grammar may end. */
  stopTokens: readonly number[];
}

/** Bit id & 31 of word id >> 5 is set if token id may come next; i32 [ceil(vocab / 32)]. */
export type TokenMask = Int32Array<ArrayBuffer>;

export interface GrammarMethods {
  vocabulary: [VocabularyArgs, null];
  /** Compiles, or finds what is compiled, and starts a match under `key`. */
  open: [{ key: number; source: GrammarSource }, TokenMask];
  /** The mask after one more token, which the last mask allowed. */
  accept: [{ key: number; token: number }, TokenMask];
  close: [{ key: number }, null];
}
export type GrammarRequest = {
  [M in keyof GrammarMethods]: { method: M; args: GrammarMethods[M][0] };
}[keyof GrammarMethods];
/** `error`: what the library says is wrong. */
export type GrammarReply = { result: TokenMask | null } | { error: string };
