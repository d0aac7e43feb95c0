/** The records of a data set: a file of JSON lines. */
import { readFileSync } from 'node:fs';
import { everyNth } from './cut.ts';

/** At most `limit`, evenly spread and always the same ones. */
export function readRecords(file: string, limit = Number.MAX_SAFE_INTEGER): unknown[] {
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return everyNth(lines, limit).map(line => JSON.parse(line));
}
