/**
 * `apply_patch` as a command: models that were taught it (gpt-oss and its kin) call it in the shell, where there is no such program. The
 * patch is carried out as edits, with the approval and the checkpoint of edits.
 */
import { applyPatch } from '../edits/apply-patch.ts';
import { isKnown, notePath, readIfThere } from './seen.ts';
import { type ToolContext, type ToolResult, told } from './tool.ts';

const COMMAND = /^\s*(?:apply_patch|applypatch)\b[\s\S]*?(\*\*\* Begin Patch[\s\S]*?\*\*\* End Patch)/;

/** The patch that a command applies; null: it is another command. */
export const patchIn = (command: string): string | null => COMMAND.exec(command)?.[1] ?? null;

export async function runPatch(patch: string, context: ToolContext): Promise<ToolResult> {
  const result = await applyPatch(patch, path => readIfThere(path, context));
  if (!result.ok) return told(`The patch was not applied. ${result.message}`, 'does not fit', false);
  // What is created may be the text of another file, moved.
  const wereKnown = result.changes.every(change => change.kind === 'create' || isKnown(change, context));
  const { ok, text, changes } = await context.actions.edit(context.callId, result.changes);
  if (ok && wereKnown)
    for (const { path, kind } of changes) if (kind !== 'delete') await notePath(path, context);
  return { ok, text, summary: '', changes, isTold: true };
}
