/** Which text of a file the model knows: what it read, or wrote itself. */
import type { ToolContext } from './tool.ts';

/** After a change of its own, the model knows the file as it is now. */
export async function notePath(path: string, { ports, seen, signal }: ToolContext): Promise<void> {
  const file = await ports.workspace.read(path, signal).catch(() => null);
  if (file) seen.set(file.path, file.version);
}
