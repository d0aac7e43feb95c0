/**
 * Text <-> token ids of one model, on @huggingface/tokenizers. The library instance is built *without* the added tokens
 * (but runs of white space), so that `encodePlain` cannot produce a special id whatever the text says; special literals are
 * found by SpecialText, only where the caller asks for it.
 */
import { Tokenizer as HfTokenizer } from '@huggingface/tokenizers';
import { MoebiusError } from '../base/errors.ts';
import {
  type AddedToken,
  checkedTokenizer,
  isWhiteSpace,
  type TokenizerJson,
} from '../formats/tokenizer-json.ts';
import { type Piece, SpecialText } from './special-text.ts';

export class Tokenizer {
  readonly specialText: SpecialText;
  /** Literal of every added token by id, but those that are text. */
  readonly specials: ReadonlyMap<number, string>;
  /** One past the largest id. The model's logits may be wider (padding). */
  readonly size: number;
  readonly #plain: HfTokenizer;
  readonly #bytes: TokenBytes;

  /** `json` is a parsed tokenizer.json. Throws `model-invalid`, or `unsupported` if it isn't a byte-level tokenizer. */
  constructor(json: unknown) {
    const { added_tokens, ...rest } = checkedTokenizer(json);
    const added = added_tokens.filter(token => typeof token.content === 'string');
    const specials = added.filter(token => !isWhiteSpace(token));
    this.specials = new Map(specials.map(token => [token.id, token.content]));
    this.specialText = new SpecialText(specials.map(token => [token.content, token.id]));
    this.#plain = buildPlain(rest, added.filter(isWhiteSpace));
    this.#bytes = tokenBytes(rest.model.vocab, added);
    this.size = this.#bytes.starts.length;
  }

  /** Ids of `text`, in which nothing is special. */
  encodePlain(text: string): number[] {
    return text === '' ? [] : this.#plain.encode(text, { add_special_tokens: false }).ids;
  }

  /** Ids of `text`, in which special literals are special: for text that we wrote, never for a user's or a file's. */
  encodeTrusted(text: string): number[] {
    return this.encodePieces(this.specialText.split(text));
  }

  encodePieces(pieces: readonly Piece[]): number[] {
    const ids: number[] = [];
    for (const piece of pieces) {
      if ('special' in piece) ids.push(piece.special);
      else for (const id of this.encodePlain(piece.text)) ids.push(id);
    }
    return ids;
  }

  /** UTF-8 bytes that token `id` adds to the text; a token may hold part of a character. Empty for an unknown id. */
  bytesOf(id: number): Uint8Array {
    const { pool, starts, ends } = this.#bytes;
    return pool.subarray(starts[id] ?? 0, ends[id] ?? 0);
  }

  has(id: number): boolean {
    return (this.#bytes.ends[id] ?? 0) > 0;
  }

  /**
   * Bytes of all tokens at once: token id's are pool[starts[id]..ends[id]], its end is 0 where there is no such token. Shared
   * with the tokenizer.
   */
  get bytes(): Readonly<TokenBytes> {
    return this.#bytes;
  }

  /** Whether the text token `id` begins with `bytes` or is a beginning of them. */
  agrees(id: number, bytes: Uint8Array): boolean {
    const { pool, starts, ends } = this.#bytes;
    const start = starts[id]!;
    const count = Math.min(ends[id]! - start, bytes.length);
    for (let i = 0; i < count; i++) if (pool[start + i] !== bytes[i]) return false;
    return count > 0 && !this.specials.has(id);
  }

  /** Whole text of `ids`; bytes that are no UTF-8 become U+FFFD. */
  decode(ids: Iterable<number>): string {
    const parts = Array.from(ids, id => this.bytesOf(id));
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.concat(parts));
  }
}

/** See Tokenizer.bytes. */
export interface TokenBytes {
  pool: Uint8Array;
  starts: Int32Array;
  ends: Int32Array;
}

function buildPlain(rest: Omit<TokenizerJson, 'added_tokens'>, texts: AddedToken[]): HfTokenizer {
  try {
    const merges = (rest.model.merges ?? []).map(pair => (typeof pair === 'string' ? pair.split(' ') : pair));
    const model = { ...rest.model, merges };
    const built = new HfTokenizer(
      { ...rest, model, added_tokens: texts, post_processor: null, decoder: null },
      {},
    );
    // The library keeps what it is built from and never looks at it again: 16 MB of a vocabulary of 150,000.
    merges.length = 0;
    model.vocab = {};
    return built;
  } catch (cause) {
    throw new MoebiusError('model-invalid', 'tokenizer.json could not be read. Convert the model again.', {
      cause,
    });
  }
}

/**
 * Byte-level vocabularies write each byte as one printable character: `!`..`~`, U+A1..U+AC and U+AE..U+FF stand for
 * themselves, the other 68 for U+0100 onwards in order (GPT-2's table).
 */
function tokenBytes(vocab: Record<string, number>, added: readonly AddedToken[]): TokenBytes {
  const byteOf = new Uint8Array(0x144);
  let shifted = 0x100;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
    byteOf[printable ? byte : shifted++] = byte;
  }
  const tokens = Object.entries(vocab);
  const literals = added.map(({ id, content }) => [id, new TextEncoder().encode(content)] as const);
  let [size, chars] = [0, 0];
  for (const [token, id] of tokens) [size, chars] = [Math.max(size, id + 1), chars + token.length];
  for (const [id, bytes] of literals) [size, chars] = [Math.max(size, id + 1), chars + bytes.length];

  const pool = new Uint8Array(chars);
  const starts = new Int32Array(size);
  const ends = new Int32Array(size);
  let end = 0;
  for (const [token, id] of tokens) {
    starts[id] = end;
    for (let i = 0; i < token.length; i++) pool[end++] = byteOf[token.charCodeAt(i)] ?? 0x3f;
    ends[id] = end;
  }
  for (const [id, bytes] of literals) {
    starts[id] = end;
    pool.set(bytes, end);
    ends[id] = end += bytes.length;
  }
  return { pool, starts, ends };
}
