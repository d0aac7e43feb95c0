/** A tokenizer.json as Hugging Face's tokenizers write it: which of them can be used, seen before anything is made of it. */
import { MoebiusError } from '../base/errors.ts';

export interface AddedToken {
  id: number;
  content: string;
  special?: boolean;
}

/** An added token that is text all the same: OLMoE has runs of spaces among them. */
export const isWhiteSpace = ({ content, special }: Pick<AddedToken, 'content' | 'special'>): boolean =>
  !special && /^\s+$/.test(content);

/** A byte-level BPE. */
export interface TokenizerJson {
  added_tokens: AddedToken[];
  decoder?: { type?: string; decoders?: { type?: string }[] } | null;
  model: { type?: string; vocab: Record<string, number>; merges?: (string | [string, string])[] };
}

/** Four times the largest vocabulary there is; tables are as long as the largest id. */
const MAX_TOKENS = 2 ** 20;

/** Throws `model-invalid` for what is no tokenizer, `unsupported` for another kind than byte-level BPE. */
export function checkedTokenizer(json: unknown): TokenizerJson {
  const shape = json as Partial<TokenizerJson> | null;
  if (typeof shape?.model?.vocab !== 'object' || shape.model.vocab === null)
    throw invalid('has no vocabulary');
  const decoders = [shape.decoder, ...(shape.decoder?.decoders ?? [])];
  if (shape.model.type !== 'BPE' || !decoders.some(decoder => decoder?.type === 'ByteLevel')) {
    throw new MoebiusError(
      'unsupported',
      `The model's tokenizer.json is of type ${shape.model.type} and not byte-level; this version reads byte-level BPE only.`,
    );
  }
  const added = shape.added_tokens ?? [];
  if (!Array.isArray(added)) throw invalid('has no list of added tokens');
  const ids = [...Object.values(shape.model.vocab), ...added.map(token => token?.id)];
  const wrong = ids.filter(id => !Number.isInteger(id) || id < 0 || id >= MAX_TOKENS);
  if (wrong.length > 0) throw invalid(`has a token with the id ${JSON.stringify(wrong[0])}`);
  return { ...(shape as TokenizerJson), added_tokens: added };
}

const invalid = (problem: string): MoebiusError =>
  new MoebiusError('model-invalid', `The model's tokenizer.json ${problem}. Get the model again.`);
