/** `edit_file`: one place of a file replaced, all that are the same, or several places together or not at all. */
import { MoebiusError, toMoebiusError } from '../../base/errors.ts';
import { copiedData } from '../data-text.ts';
import { type EditSetResult, editSet } from '../edits/edit-set.ts';
import type { SearchReplace } from '../edits/search-replace.ts';
import type { TextFile } from '../ports.ts';
import { boolean, optional, type Parameter, string } from './parameters.ts';
import { isKnown, notePath } from './seen.ts';
import { defineTool, type ToolContext, type ToolResult, told } from './tool.ts';

type Pair = { old_text: string; new_text: string };

const pairs = (description: string): Parameter<Pair[]> => ({
  schema: {
    type: 'array',
    items: {
      type: 'object',
      properties: { old_text: { type: 'string' }, new_text: { type: 'string' } },
      required: ['old_text', 'new_text'],
    },
    description,
  },
  isRequired: true,
  what: 'a list of {old_text, new_text}',
  read: value => (Array.isArray(value) && value.every(isPair) ? value : undefined),
});

function isPair(value: unknown): value is Pair {
  const pair = value as Partial<Pair> | null;
  return typeof pair?.old_text === 'string' && typeof pair.new_text === 'string';
}

export const editFile = defineTool({
  name: 'edit_file',
  description: 'Replace text in a file. old_text is copied from the file exactly and occurs once.',
  parameters: {
    path: string('the file'),
    old_text: string('what is there now, with a line or two around it'),
    new_text: string('what is to be there'),
    replace_all: optional(boolean('every occurrence')),
    more_edits: optional(pairs('other places of the same file; all are changed or none')),
  },
  isChanging: true,
  title: ({ path }) => `Edit ${path}`,
  async run(
    { path, old_text, new_text, replace_all = false, more_edits = [] },
    context,
  ): Promise<ToolResult> {
    const file = await readExisting(path, context);
    const found = find(file.text, [
      { oldText: old_text, newText: new_text, replaceAll: replace_all },
      ...more_edits.map(pair => ({ oldText: pair.old_text, newText: pair.new_text })),
    ]);
    if (!found.ok) return told(`${path} was not changed. ${found.message}`, found.reason, false);
    const { version } = file;
    const { replacements } = found;
    const wasKnown = isKnown(file, context);
    const result = await context.actions.edit(context.callId, [
      { kind: 'edit', path, version, replacements },
    ]);
    if (result.ok && wasKnown) await notePath(path, context);
    return { ok: result.ok, text: result.text, summary: '', changes: result.changes, isTold: true };
  },
});

/** As the model wrote it, else as what it copied from text in which something hidden was shown. */
function find(text: string, edits: readonly SearchReplace[]): EditSetResult {
  const found = editSet(text, edits);
  if (found.ok) return found;
  const second = editSet(
    text,
    edits.map(edit => ({ ...edit, oldText: copiedData(edit.oldText), newText: copiedData(edit.newText) })),
  );
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
