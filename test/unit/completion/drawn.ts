/** A cursor drawn into a text: `const x = █`. */
import type { Cursor } from '../../../src/completion/cursor.ts';

export function drawn(text: string, languageId = 'typescript', uri = 'file:///a.ts'): Cursor {
  const at = text.indexOf('█');
  if (at < 0) throw new Error(`No cursor (█) in ${JSON.stringify(text)}`);
  return { uri, path: 'a.ts', languageId, before: text.slice(0, at), after: text.slice(at + 1) };
}
