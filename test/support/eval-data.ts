/** The public data sets beside the repository. Tests that use them are skipped, with the reason, where they are not. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = process.env['MOEBIUS_EVAL_DATA'] ?? join(__dirname, '..', '..', '..', 'shared', 'eval');

export const evalPath = (name: string): string => join(FOLDER, name);

/** The records of a set; null after the suite was given a pending test that says what is missing. */
export function evalRecords<T>(name: string): T[] | null {
  const path = evalPath(name);
  if (!existsSync(path)) {
    it(`needs ${name}, which is not beside the repository (MOEBIUS_EVAL_DATA names its folder)`);
    return null;
  }
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
  return lines.map(line => JSON.parse(line) as T);
}
