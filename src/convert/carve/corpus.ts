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

/** Files in a seeded order, one after the other. Errors: `not-found`, `bad-request` if the folder has too little text. */
export async function readCorpus(options: CorpusOptions): Promise<Corpus> {
  const { folder, sequenceTokens, tokens, seed } = options;
  const names = await listFiles(folder);
  const hash = createHash('sha256');
  const texts: string[] = [];
  for (const name of names) {
    const bytes = await readFile(join(folder, name));
    hash.update(bytes);
    texts.push(bytes.toString('utf8'));
  }
  const wanted = Math.floor(tokens / sequenceTokens);
  const ids: number[] = [];
  for (const text of shuffled(texts, seededRandom(seed))) {
    if (ids.length >= wanted * sequenceTokens) break;
    ids.push(...options.tokenize(text).slice(0, TOKENS_PER_FILE));
  }
  if (wanted === 0 || ids.length < wanted * sequenceTokens) {
    throw new MoebiusError(
      'bad-request',
      `${folder} has ${ids.length} usable tokens (at most ${TOKENS_PER_FILE} a file), but ${tokens} are wanted, in sequences of ${sequenceTokens}. Add files or ask for fewer.`,
    );
  }
  const sequences = Array.from({ length: wanted }, (_, i) =>
    Uint32Array.from(ids.slice(i * sequenceTokens, (i + 1) * sequenceTokens)),
  );
  return { sequences, files: names.length, sha256: hash.digest('hex') };
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
