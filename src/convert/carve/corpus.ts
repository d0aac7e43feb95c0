/** Calibration text: a folder of source files, cut into token sequences of one length. */
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MoebiusError } from '../../base/errors.ts';
import { seededRandom, shuffled } from './random.ts';

export interface Corpus {
  /** Token ids, all of `sequenceTokens`. */
  sequences: Uint32Array[];
  /** Files read, whether or not their tokens were needed. */
  files: number;
  /** Of the files' bytes, in the order of their names. */
  sha256: string;
  /** Texts that the sequences are of, whole or in part. */
  used: string[];
  /** The others: what was learned from those can be tried on these. In the seeded order. */
  rest: string[];
}

export interface CorpusOptions {
  folder: string;
  tokens: number;
  sequenceTokens: number;
  seed: number;
  tokenize(text: string): number[];
}

/** No file may give more than this, so that the corpus stays varied. */
const TOKENS_PER_FILE = 2048;
const MAX_FILE_BYTES = 1024 * 1024;

/** What is in a folder of text. */
export interface CorpusTexts {
  /** In a seeded order. */
  texts: string[];
  /** Of the files' bytes, in the order of their names. */
  sha256: string;
}

/** Errors: `not-found`. */
export async function readTexts(folder: string, seed: number): Promise<CorpusTexts> {
  const hash = createHash('sha256');
  const texts: string[] = [];
  for (const name of await listFiles(folder)) {
    const bytes = await readFile(join(folder, name));
    hash.update(bytes);
    texts.push(bytes.toString('utf8'));
  }
  return { texts: shuffled(texts, seededRandom(seed)), sha256: hash.digest('hex') };
}

/** Files in a seeded order, one after the other. Errors: `not-found`, `bad-request` if less than a sequence is wanted, or the folder has too little text. */
export async function readCorpus(options: CorpusOptions): Promise<Corpus> {
  const { folder, sequenceTokens, tokens, seed } = options;
  if (tokens < sequenceTokens) {
    throw new MoebiusError(
      'bad-request',
      `${tokens} tokens are less than one sequence of ${sequenceTokens}: ask for that many, or more.`,
    );
  }
  const { texts, sha256 } = await readTexts(folder, seed);
  const { sequences, tokens: found, texts: used } = cutSequences(texts, options);
  if (sequences.length < Math.floor(tokens / sequenceTokens)) {
    throw new MoebiusError(
      'bad-request',
      `${folder} has ${found} usable tokens (at most ${TOKENS_PER_FILE} a file), but ${tokens} are wanted, in sequences of ${sequenceTokens}. Add files or ask for fewer.`,
    );
  }
  return { sequences, files: texts.length, sha256, used: texts.slice(0, used), rest: texts.slice(used) };
}

/** By which a text is known again in another corpus. */
export const textSha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** As many whole sequences as `tokens` are, or as the texts have, one text after the other; and what of the texts that took. */
export function cutSequences(
  texts: readonly string[],
  { tokens, sequenceTokens, tokenize }: Pick<CorpusOptions, 'tokens' | 'sequenceTokens' | 'tokenize'>,
): { sequences: Uint32Array[]; tokens: number; texts: number } {
  const wanted = Math.floor(tokens / sequenceTokens) * sequenceTokens;
  const ids: number[] = [];
  let used = 0;
  while (used < texts.length && ids.length < wanted)
    ids.push(...tokenize(texts[used++]!).slice(0, TOKENS_PER_FILE));
  const sequences = Array.from(
    { length: Math.floor(Math.min(wanted, ids.length) / sequenceTokens) },
    (_, i) => Uint32Array.from(ids.slice(i * sequenceTokens, (i + 1) * sequenceTokens)),
  );
  return { sequences, tokens: ids.length, texts: used };
}

/** Names below `folder`, sorted by code unit so that every system reads them in the same order. */
export async function listFiles(folder: string): Promise<string[]> {
  let names: string[];
  try {
    names = await readdir(folder, { recursive: true });
  } catch (cause) {
    throw new MoebiusError('not-found', `There is no folder ${folder}.`, { cause });
  }
  const files: string[] = [];
  for (const name of names.map(found => found.replaceAll('\\', '/')).sort()) {
    const found = await stat(join(folder, name));
    if (found.isFile() && found.size <= MAX_FILE_BYTES) files.push(name);
  }
  return files;
}
