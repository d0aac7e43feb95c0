/** The tokenizer of a converted model, without loading its weights. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tokenizer } from '../../src/engine/tokenizer.ts';

export const readTokenizer = (folder: string): Tokenizer =>
  new Tokenizer(JSON.parse(readFileSync(join(folder, 'tokenizer.json'), 'utf8')));
