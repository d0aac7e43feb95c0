/** Records of other projects that lie beside the repository, see the README there. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../scripts/steps.ts';

/** `MOEBIUS_EVAL_DATA` puts another folder of the same form in its place. */
export const SHARED_DATA = process.env.MOEBIUS_EVAL_DATA || join(ROOT, '..', 'shared', 'eval');

/** Records of a JSON lines file; null where it is missing. */
export function readRecords<T>(name: string): T[] | null {
  const file = join(SHARED_DATA, name);
  if (!existsSync(file)) return null;
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return lines.map(line => JSON.parse(line) as T);
}
