/** What the user is asked before work of the agent is taken back. */
import * as vscode from 'vscode';
import { CHECKPOINT_BYTES } from '../../workspace/checkpoints.ts';
import type { RestoreChoice } from './desk.ts';

/** null: the user decided against it. `sizeBytes`: of all checkpoints of the workspace, told because they take room. */
export async function chooseRestore(
  fileCount: number,
  commands: readonly string[],
  sizeBytes: number,
): Promise<RestoreChoice | null> {
  const files = fileCount === 1 ? '1 file' : `${fileCount} files`;
  const rest = notUndone(commands, ' ');
  const items: (vscode.QuickPickItem & { choice: RestoreChoice })[] = [
    {
      choice: 'both',
      label: '$(discard) Files and conversation',
      detail: `Put ${files} back, and remove this message and all after it. Its text goes back into the input.${rest}`,
    },
    {
      choice: 'files',
      label: '$(files) Files',
      detail: `Put ${files} back, and keep the conversation.${rest}`,
    },
    {
      choice: 'conversation',
      label: '$(comment-discussion) Conversation',
      detail: 'Remove this message and all after it, and leave the files as they are.',
    },
  ];
  const picked = await vscode.window.showQuickPick(fileCount > 0 ? items : items.slice(2), {
    title: 'Restore to before this message',
    placeHolder: `What should be as it was? (Checkpoints take ${megabytes(sizeBytes)} of at most ${megabytes(CHECKPOINT_BYTES)} MB)`,
  });
  return picked?.choice ?? null;
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(bytes < 1e6 ? 1 : 0);

/** What is said to the user of commands whose changes no checkpoint has; '' if none ran. */
const notUndone = (commands: readonly string[], before: string): string =>
  commands.length === 0
    ? ''
    : `${before}What these commands changed, if anything, stays: ${commands.join('; ')}.`;

export function sayNotUndone(commands: readonly string[]): void {
  void vscode.window.showInformationMessage(`Moebius: the files are put back.${notUndone(commands, ' ')}`);
}

/** A message is edited or answered again, and what the agent did for it is still in the files. null: rather not. */
export async function confirmReplacing(
  fileCount: number,
  commands: readonly string[],
): Promise<'undo' | 'keep' | null> {
  const [undo, keep] = ['Put Files Back', 'Keep Files'];
  const choice = await vscode.window.showWarningMessage(
    `The agent has changed ${fileCount === 1 ? '1 file' : `${fileCount} files`} since this message.`,
    {
      modal: true,
      detail: `What follows the message is removed. Should the files be as they were before it?${notUndone(commands, '\n\n')}`,
    },
    undo!,
    keep!,
  );
  return choice === undo ? 'undo' : choice === keep ? 'keep' : null;
}

/** Files that were changed since the agent did: those that are put back all the same. */
export async function confirmOverwrite(paths: string[]): Promise<string[]> {
  const one = paths.length === 1;
  const choice = await vscode.window.showWarningMessage(
    one ? `${paths[0]} was changed since.` : `${paths.length} files were changed since.`,
    {
      modal: true,
      detail:
        `${one ? '' : `${paths.join('\n')}\n\n`}If ${one ? 'it is' : 'they are'} put back, the later changes are ` +
        'overwritten. They stay in a checkpoint.',
    },
    'Overwrite',
    one ? 'Keep It' : 'Keep Them',
  );
  return choice === 'Overwrite' ? paths : [];
}
