/** `edit_file`: one place of a file replaced, or all that are the same. */
import { MoebiusError, toMoebiusError } from '../../base/errors.ts';
import { copiedData } from '../data-text.ts';
import { type SearchReplace, type SearchReplaceResult, searchReplace } from '../edits/search-replace.ts';
import type { TextFile } from '../ports.ts';
import { boolean, optional, string } from './parameters.ts';
import { notePath } from './seen.ts';
import { defineTool, type ToolContext, type ToolResult, told } from './tool.ts';

export const editFile = defineTool({
  name: 'edit_file',
  description: 'Replace text in a file. old_text is copied from the file exactly and occurs once.',
  parameters: {
    path: string('the file'),
    old_text: string('what is there now, with a line or two around it'),
    new_text: string('what is to be there'),
    replace_all: optional(boolean('every occurrence')),
  },
  isChanging: true,
  title: ({ path }) => `Edit ${path}`,
  async run({ path, old_text, new_text, replace_all = false }, context): Promise<ToolResult> {
    const file = await readExisting(path, context);
    const edit = { oldText: old_text, newText: new_text, replaceAll: replace_all };
    const found = find(file.text, edit);
    if (!found.ok) return told(`${path} was not changed. ${found.message}`, found.reason, false);
    const { version } = file;
    const { replacements } = found;
    const result = await context.actions.edit(context.callId, [
      { kind: 'edit', path, version, replacements },
    ]);
    if (result.ok) await notePath(path, context);
    return { ok: result.ok, text: result.text, summary: '', changes: result.changes, isTold: true };
  },
});

/** As the model wrote it, else as what it copied from text in which something hidden was shown. */
function find(text: string, edit: SearchReplace): SearchReplaceResult {
  const found = searchReplace(text, edit);
  const copied = { ...edit, oldText: copiedData(edit.oldText), newText: copiedData(edit.newText) };
  if (found.ok || copied.oldText === edit.oldText) return found;
  const second = searchReplace(text, copied);
  return second.ok ? second : found;
}

async function readExisting(path: string, { ports, signal }: ToolContext): Promise<TextFile> {
  try {
    return await ports.workspace.read(path, signal);
  } catch (thrown) {
    const error = toMoebiusError(thrown);
    if (error.code !== 'not-found') throw error;
    throw new MoebiusError('not-found', `${error.message} Use write_file to create it.`, { cause: error });
  }
}
