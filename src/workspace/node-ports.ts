/** The ports of the agent over a folder on disk, without an editor: for the command line and for tests. */
import type { AgentPorts } from '../agent/ports.ts';
import { workClock } from '../base/clock.ts';
import { MoebiusError } from '../base/errors.ts';
import { CHECKPOINT_BYTES, Checkpoints } from './checkpoints.ts';
import { WorkspaceFolders } from './folders.ts';
import { NodeEdits, nodeFileStates } from './node-edits.ts';
import { NodeTerminal } from './node-terminal.ts';
import { NodeWorkspace } from './node-workspace.ts';

export type NodePorts = Pick<AgentPorts, 'workspace' | 'edits' | 'terminal' | 'diagnostics' | 'clock'> & {
  checkpoints: Checkpoints;
  /** Ends the commands that still run. */
  dispose(): void;
};

/**
 * `checkpoints`: the folder where what was changed is kept.
 * @throws MoebiusError `not-found` for a folder that is not there
 */
export async function openNodePorts(folders: readonly string[], checkpoints: string): Promise<NodePorts> {
  const opened = await WorkspaceFolders.open(folders);
  const terminal = new NodeTerminal(opened);
  const kept = new Checkpoints(checkpoints, nodeFileStates(opened), CHECKPOINT_BYTES);
  return {
    checkpoints: kept,
    workspace: new NodeWorkspace(opened),
    edits: new NodeEdits(opened, kept),
    terminal,
    diagnostics: { read: () => Promise.reject(noServers()) },
    // A task that waits for a command in the background is at work, though nothing else may be going on.
    clock: workClock,
    dispose: () => terminal.dispose(),
  };
}

const noServers = (): MoebiusError =>
  new MoebiusError('unsupported', 'There is no language server here. Run the compiler or the tests.');
