/** `write_file`: a new file, or the whole text of one that the model has read. */
import { isMarkerLine } from '../edits/blocks.ts';
import { applyLazy } from '../edits/lazy.ts';
import { LfText } from '../edits/lines.ts';
import type { FileChange, TextFile } from '../ports.ts';
import { string } from './parameters.ts';
import { notePath, readIfThere } from './seen.ts';
import { defineTool, type ToolContext, type ToolResult, told } from './tool.ts';

export const writeFile = defineTool({
  name: 'write_file',
  description: 'Create a file, or replace all of one that you have read.',
  parameters: { path: string('the file'), content: string('its whole text') },
  isChanging: true,
  title: ({ path }) => `Write ${path}`,
  async run({ path, content }, context) {
    const file = await readIfThere(path, context);
    const seen = file && context.seen.get(file.path)?.version;
    if (file && file.text !== '' && seen !== file.version) {
      const why =
        seen === undefined ? 'exists and you have not read all of it' : 'has changed since you read it';
      return told(
        `${path} ${why}. Read it first, then use edit_file, or write_file again.`,
        'not read',
        false,
      );
    }
    if (file && leavesOut(content, file.text)) {
      const laid = applyLazy(file.text, content);
      if (!laid.ok) return told(`${path} was not changed. ${laid.message}`, 'code left out', false);
      return changed({ kind: 'edit', path, version: file.version, replacements: laid.replacements }, context);
    }
    const change = file ? replaced(file, path, content) : ({ kind: 'create', path, text: content } as const);
    if (change === null) return told(`${path} has this text already.`, 'no change');
    return changed(change, context);
  },
});

async function changed(change: FileChange, context: ToolContext): Promise<ToolResult> {
  const { ok, text, changes } = await context.actions.edit(context.callId, [change]);
  if (ok) await notePath(change.path, context);
  return { ok, text, summary: '', changes, isTold: true };
}

/** `// ... existing code ...` stands for code: written as it is, it would delete what it stands for. */
function leavesOut(content: string, stored: string): boolean {
  const own = new Set(stored.split(/\r?\n/));
  return content.split(/\r?\n/).some(line => isMarkerLine(line) && !own.has(line));
}

/** With the line ends that the file has. null: nothing would change. */
function replaced({ text, version }: TextFile, path: string, content: string): FileChange | null {
  const file = new LfText(text);
  const lf = content.replaceAll('\r\n', '\n');
  if (file.text === lf) return null;
  const all = file.toOriginal({ start: 0, end: file.text.length, text: lf });
  return { kind: 'edit', path, version, replacements: [all] };
}
