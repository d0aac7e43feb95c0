/** The grammars as the package holds them, from where the build takes them; without a limit of time, which would make results depend on the machine. */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Grammars } from '../../src/completion/syntax/grammars.ts';

const RUNTIME = 'web-tree-sitter.wasm';
const FOLDER = dirname(require.resolve('@vscode/tree-sitter-wasm'));

export const readGrammar = (file: string): Promise<Uint8Array> =>
  readFile(file === RUNTIME ? require.resolve(`web-tree-sitter/${RUNTIME}`) : join(FOLDER, file));

export function testGrammars(): Grammars {
  const fail = (error: Error) => {
    throw error;
  };
  return new Grammars(readGrammar, fail, Number.POSITIVE_INFINITY);
}
