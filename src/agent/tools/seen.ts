/** Files as the tools that change them need them: whether there is one, and that the model knows its text afterwards. */
import { toMoebiusError } from '../../base/errors.ts';
import type { TextFile } from '../ports.ts';
import type { ToolContext } from './tool.ts';

/** Whether the model knows all of a file as it is: only then does it know it after a change of its own. */
export const isKnown = (
  { path, version }: Pick<TextFile, 'path' | 'version'>,
  { seen }: ToolContext,
): boolean => seen.get(path)?.version === version;

/** After a change of its own, the model knows the file as it is now, by what it was shown of it before. */
export async function notePath(path: string, { ports, seen, signal, turn }: ToolContext): Promise<void> {
  const file = await ports.workspace.read(path, signal).catch(() => null);
  if (file) seen.set(file.path, { version: file.version, turn: seen.get(file.path)?.turn ?? turn });
}

/** null: there is no such file. */
export async function readIfThere(path: string, { ports, signal }: ToolContext): Promise<TextFile | null> {
  try {
    return await ports.workspace.read(path, signal);
  } catch (thrown) {
    const error = toMoebiusError(thrown);
    if (error.code === 'not-found') return null;
    throw error;
  }
}
