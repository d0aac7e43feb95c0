/** An agent that does what a test says, and an editor that notes what is asked of it. */
import type { AgentOutcome } from '../../../src/agent/agent.ts';
import type { ApprovalRequest, ChangedFile, StopReason } from '../../../src/agent/ports.ts';
import type { PromptFile } from '../../../src/agent/prompt-files.ts';
import type { AgentEditor, RestoreChoice } from '../../../src/host/agent/desk.ts';
import type { AgentTask } from '../../../src/host/agent/runner.ts';
import type { ShownCommand } from '../../../src/host/agent/terminal-mirror.ts';
import type { Mode } from '../../../src/protocol/agent-view.ts';

export type AgentScript = (task: AgentTask) => Promise<StopReason>;

export class ScriptedAgent implements AgentEditor {
  readonly tasks: AgentTask[] = [];
  /** What the editor was asked to do, in words. */
  readonly done: string[] = [];
  script: AgentScript;
  shownMode: Mode = 'agent';
  restoreChoice: RestoreChoice | null = 'both';
  /** Paths that the user has changed meanwhile and keeps. */
  kept: string[] = [];

  constructor(script: AgentScript) {
    this.script = script;
  }

  mode = () => this.shownMode;
  projectRules = '';
  rules = async () => this.projectRules;
  promptFiles: PromptFile[] = [];

  prompts = async () => this.promptFiles;
  picker = () => ({ mode: this.shownMode, policy: 'ask', locked: this.locked }) as const;
  chooseMode = async (mode: Mode) => {
    this.shownMode = mode;
  };
  locked: string | null = null;
  choosePolicy = async (policy: string) => void this.done.push(`policy ${policy}`);
  showTerminal = async ({ title, output }: ShownCommand) =>
    void this.done.push(`terminal ${title}: ${output}`);
  showDiff = async (turnId: string, path: string) => void this.done.push(`diff ${turnId} ${path}`);
  undo = async (turnId: string, paths: string[]) => {
    this.done.push(`undo ${turnId} ${paths.join(' ')}`);
    return paths.filter(path => !this.kept.includes(path));
  };
  keep = async (turnId: string, paths: string[]) => void this.done.push(`keep ${turnId} ${paths.join(' ')}`);
  replacing: 'undo' | 'keep' | null = 'undo';
  confirmReplacing = async (_fileCount: number, commands: string[]) => {
    this.toldCommands.push(commands);
    return this.replacing;
  };
  /** Commands that each question about an undo, and each undo, named as not undone. */
  readonly toldCommands: string[][] = [];
  sayNotUndone = (commands: string[]) => void this.toldCommands.push(commands);
  /** How many files each question about a restore was about. */
  readonly offered: number[] = [];
  chooseRestore = async (fileCount: number, commands: string[]) => {
    this.toldCommands.push(commands);
    this.offered.push(fileCount);
    return this.restoreChoice;
  };

  async run(task: AgentTask): Promise<AgentOutcome> {
    this.tasks.push(task);
    task.emit({ type: 'turn', turn: 1 });
    const reason = await this.script(task);
    const messages = [...task.history, { role: 'user' as const, content: task.ask.text }];
    task.emit({ type: 'history', kept: task.history.length, messages: messages.slice(task.history.length) });
    task.emit({ type: 'end', reason, text: 'Done.' });
    const counts = { turns: 1, promptTokens: 9, reusedTokens: 4, outputTokens: 3 };
    return {
      reason,
      text: 'Done.',
      ...counts,
      changed: [],
      commands: [],
      checkPassed: null,
      history: messages,
    };
  }
}

const changeOf = (path: string): ChangedFile => ({ path, kind: 'edit', addedLines: 2, removedLines: 1 });

/** Edits a file without asking. */
export function edits(task: AgentTask, path: string, callId = `edit-${path}`): void {
  const call = { kind: 'call', name: 'edit_file', arguments: { path } } as const;
  task.emit({ type: 'call', callId, call, title: `Edit ${path}` });
  const changes = [changeOf(path)];
  task.emit({ type: 'result', callId, ok: true, text: 'ok', summary: '+2 −1', changes });
}

/** Asks for a command, and runs it if that is allowed. */
export async function runs(task: AgentTask, command: string, callId = 'run'): Promise<boolean> {
  const call = { kind: 'call', name: 'run_command', arguments: { command } } as const;
  task.emit({ type: 'call', callId, call, title: `Run ${command}` });
  const request: ApprovalRequest = {
    callId,
    capability: 'command',
    title: 'Run a command',
    detail: command,
    warning: null,
    fingerprint: command,
    remember: command,
  };
  task.emit({ type: 'approval', request });
  const decision = await task.approval.ask(request, task.signal);
  task.emit({ type: 'decision', callId, decision });
  const ok = decision.kind !== 'deny';
  if (ok) task.emit({ type: 'output', callId, text: 'all good\n' });
  task.emit({ type: 'result', callId, ok, text: '', summary: ok ? 'Exit code 0' : 'Denied', changes: [] });
  return ok;
}
