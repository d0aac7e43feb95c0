/** What can be said of changes when none is staged: a diff of Git's has no new files before they are. Pure. */
import { MoebiusError } from '../../base/errors.ts';

/** Of the Git extension's state; its setting `git.untrackedChanges` says in which list new files are. */
export interface UnstagedChanges {
  workingTreeChanges: readonly { status: number }[];
  untrackedChanges: readonly unknown[];
}

/** `Status.UNTRACKED` of the Git extension's API. */
const UNTRACKED = 7;

/**
 * What to ask before all changes of `diff` are described.
 * @throws MoebiusError `bad-request` when there is nothing in it to describe
 */
export function allChangesQuestion(diff: string, changes: UnstagedChanges): string {
  const hasNew =
    changes.untrackedChanges.length > 0 || changes.workingTreeChanges.some(one => one.status === UNTRACKED);
  if (!diff.trim()) {
    throw new MoebiusError(
      'bad-request',
      hasNew
        ? 'There are only new files, which Git shows once they are staged. Stage the new files first.'
        : 'Nothing has changed since the last commit.',
    );
  }
  const leftOut = hasNew ? ' New files are left out; stage them to have them described.' : '';
  return `Moebius: nothing is staged. Describe all changes?${leftOut}`;
}
