/** `moebius agent --undo`: the files as they were before the last run. What was changed since is kept, or asked about. */
import { MoebiusError } from '../base/errors.ts';
import { CHECKPOINT_BYTES } from '../workspace/checkpoints.ts';
import { openNodePorts } from '../workspace/node-ports.ts';
import { askLine } from './agent-approval.ts';
import type { Report } from './agent-report.ts';
import { megabytes } from './progress.ts';
import { type Terminal, writeLine } from './terminal.ts';

export interface UndoReport {
  /** When the run that is taken back began to change files, as ISO 8601. */
  run: string;
  restored: string[];
  /** Changed since the run, and left as they are. */
  kept: string[];
  /** What they were before is no longer kept. */
  lost: string[];
}

/**
 * @throws MoebiusError `not-found` when there is no run to take back; `unfinished`, after the report, when not all files are as they
 * were
 */
export async function undoLastRun(
  terminal: Terminal,
  folder: string,
  checkpointFolder: string,
  report: Report,
): Promise<void> {
  const { checkpoints, dispose } = await openNodePorts([folder], checkpointFolder);
  try {
    const turn = (await checkpoints.turns()).findLast(({ isStanding }) => isStanding);
    if (!turn)
      throw new MoebiusError('not-found', `The agent changed nothing in ${folder} that could be undone.`);
    const first = await checkpoints.undo(turn.id);
    const overwrite: string[] = [];
    for (const path of first.conflicts) if (await mayOverwrite(terminal, path)) overwrite.push(path);
    const second = overwrite.length > 0 ? await checkpoints.undo(turn.id, overwrite) : first;
    // What a person has seen and kept is decided; the next undo is about the run before.
    if (terminal.stdin.isTTY) await checkpoints.close(turn.id);
    const undone: UndoReport = {
      run: new Date(turn.at).toISOString(),
      restored: [...new Set([...first.restored, ...second.restored])],
      kept: second.conflicts,
      lost: second.lost,
    };
    await report(undone, describeUndo(undone));
    const [used, most] = [megabytes(await checkpoints.sizeBytes()), megabytes(CHECKPOINT_BYTES)];
    await writeLine(terminal.stderr, `(What files were before takes ${used} of at most ${most} MB.)`);
    if (undone.kept.length + undone.lost.length > 0)
      throw new MoebiusError('unfinished', 'Not all files are as they were before the run.');
  } finally {
    dispose();
  }
}

/** Without a terminal nobody can be asked: the later change is kept. */
async function mayOverwrite(terminal: Terminal, path: string): Promise<boolean> {
  if (!terminal.stdin.isTTY) return false;
  const question = `${path} was changed since. Put it back all the same? y = yes, anything else = keep it: `;
  return /^y(es)?$/i.test((await askLine(terminal, question, terminal.signal)).trim());
}

function describeUndo({ run, restored, kept, lost }: UndoReport): string {
  const lines = [
    ...restored.map(path => `put back: ${path}`),
    ...kept.map(path => `kept, because it was changed since: ${path}`),
    ...lost.map(path => `not put back, because what it was is no longer kept: ${path}`),
  ];
  const what = lines.length > 0 ? lines : ['All files are already as they were.'];
  return [`The run of ${run}`, ...what].join('\n');
}
