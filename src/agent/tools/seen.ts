/** Files as the tools that change them need them: whether there is one, and that the model knows its text afterwards. */
import { toMoebiusError } from '../../base/errors.ts';
import type { TextFile } from '../ports.ts';
import type { ToolContext } from './tool.ts';

/** After a change of its own, the model knows the file as it is now. */
export async function notePath(path: string, { ports, seen, signal }: ToolContext): Promise<void> {
  const file = await ports.workspace.read(path, signal).catch(() => null);
  if (file) seen.set(file.path, file.version);
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
