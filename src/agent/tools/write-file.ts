/** `write_file`: a new file, or the whole text of one that the model has read. */
import { toMoebiusError } from '../../base/errors.ts';
import { LfText } from '../edits/lines.ts';
import type { FileChange, TextFile } from '../ports.ts';
import { string } from './parameters.ts';
import { notePath } from './seen.ts';
import { defineTool, type ToolContext, told } from './tool.ts';

export const writeFile = defineTool({
  name: 'write_file',
  description: 'Create a file, or replace all of one that you have read.',
  parameters: { path: string('the file'), content: string('its whole text') },
  isChanging: true,
  title: ({ path }) => `Write ${path}`,
  async run({ path, content }, context) {
    const file = await readIfThere(path, context);
    const seen = file && context.seen.get(file.path);
    if (file && file.text !== '' && seen !== file.version) {
      const why =
        seen === undefined ? 'exists and you have not read all of it' : 'has changed since you read it';
      return told(
        `${path} ${why}. Read it first, then use edit_file, or write_file again.`,
        'not read',
        false,
      );
    }
    const change = file ? replaced(file, path, content) : ({ kind: 'create', path, text: content } as const);
    if (change === null) return told(`${path} has this text already.`, 'no change');
    const result = await context.actions.edit(context.callId, [change]);
    if (result.ok) await notePath(path, context);
    return { ok: result.ok, text: result.text, summary: '', changes: result.changes, isTold: true };
  },
});

async function readIfThere(path: string, { ports, signal }: ToolContext): Promise<TextFile | null> {
  try {
    return await ports.workspace.read(path, signal);
  } catch (thrown) {
    const error = toMoebiusError(thrown);
    if (error.code === 'not-found') return null;
    throw error;
  }
}

/** With the line ends that the file has. null: nothing would change. */
function replaced({ text, version }: TextFile, path: string, content: string): FileChange | null {
  const file = new LfText(text);
  const lf = content.replaceAll('\r\n', '\n');
  if (file.text === lf) return null;
  const all = file.toOriginal({ start: 0, end: file.text.length, text: lf });
  return { kind: 'edit', path, version, replacements: [all] };
}
