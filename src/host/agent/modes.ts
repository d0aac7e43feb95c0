/**
 * What the agent may do in this window: the mode and the approval policy that the user chose. Kept with the workspace but in the
 * extension's own storage, and defaults come from settings that a workspace can't set: a repository must not be able to loosen them.
 */
import * as vscode from 'vscode';
import {
  type AgentPicker,
  APPROVAL_POLICIES,
  type ApprovalPolicy,
  MODES,
  type Mode,
} from '../../protocol/agent-view.ts';

const MODE_KEY = 'moebius.agent.mode';
const POLICY_KEY = 'moebius.agent.approval';

export class AgentModes {
  readonly #memory: vscode.Memento;

  constructor(memory: vscode.Memento) {
    this.#memory = memory;
  }

  get mode(): Mode {
    return lockedReason() === null ? this.#read(MODE_KEY, MODES, 'ask') : 'ask';
  }

  get policy(): ApprovalPolicy {
    return this.#read(POLICY_KEY, APPROVAL_POLICIES, 'ask');
  }

  get picker(): AgentPicker {
    return { mode: this.mode, policy: this.policy, locked: lockedReason() };
  }

  async chooseMode(mode: Mode): Promise<void> {
    await this.#memory.update(MODE_KEY, mode);
  }

  async choosePolicy(policy: ApprovalPolicy): Promise<void> {
    await this.#memory.update(POLICY_KEY, policy);
  }

  #read<T extends string>(key: string, known: readonly T[], fallback: T): T {
    // What the workspace itself says does not count, whatever the setting's scope.
    const set = vscode.workspace.getConfiguration().inspect<string>(key);
    const value = this.#memory.get<string>(key) ?? set?.globalValue ?? set?.defaultValue;
    return known.find(one => one === value) ?? fallback;
  }
}

/** Why there is no agent in this window; null: there is. */
export function lockedReason(): string | null {
  if (!vscode.workspace.isTrusted) return 'Restricted Mode: the agent needs a trusted workspace.';
  const folders = vscode.workspace.workspaceFolders ?? [];
  if (folders.length === 0) return 'Open a folder to let the agent work in it.';
  const isOnDisk = folders.every(folder => folder.uri.scheme === 'file');
  return isOnDisk ? null : 'The agent works only in folders on disk.';
}
