/** What a task has come to so far: tokens, changed files, commands, whether the project's check passed. */
import type { Usage } from '../protocol/daemon.ts';
import type { ActionResult, AgentOutcome } from './agent.ts';
import type { ProjectCheck } from './check-command.ts';
import { shownData } from './data-text.ts';
import { normalisePath } from './paths.ts';
import type { ChangedFile } from './ports.ts';
import { short } from './tools/tool.ts';

type Tallied = Omit<AgentOutcome, 'reason' | 'text' | 'history'>;

export class Tally {
  turns = 0;
  outputTokens = 0;
  #promptTokens = 0;
  #reusedTokens = 0;
  readonly #changed = new Map<string, ChangedFile>();
  readonly #commands: AgentOutcome['commands'] = [];
  readonly #check: ProjectCheck;
  #checkPassed: boolean | null = null;
  #isUnchecked = false;

  constructor(check: ProjectCheck) {
    this.#check = check;
  }

  /** Something was changed, and the check has not passed since. */
  get isUnchecked(): boolean {
    return this.#isUnchecked;
  }

  noteUsage({ promptTokens, reusedTokens, outputTokens }: Usage): void {
    this.#promptTokens += promptTokens;
    this.#reusedTokens += reusedTokens;
    this.outputTokens += outputTokens;
  }

  noteChanges(changes: readonly ChangedFile[]): void {
    for (const change of changes) this.#noteChange(change);
    if (changes.length > 0) this.#isUnchecked = true;
  }

  /** One that was not allowed did not run: it failed without an exit code. Returns whether it ran and is another than the check. */
  noteCommand(
    asked: { command: string; cwd: string },
    { ok, exitCode }: Pick<ActionResult, 'ok' | 'exitCode'>,
  ): boolean {
    if (!ok && exitCode === null) return false;
    const { command, cwd } = asked;
    this.#commands.push({ command, exitCode });
    const { checkCommand, checkFolder = '' } = this.#check;
    const isCheck =
      command.trim() === checkCommand?.trim() && normalisePath(cwd) === normalisePath(checkFolder);
    if (!isCheck) return true;
    if (exitCode !== null) this.#checkPassed = exitCode === 0;
    if (exitCode === 0) this.#isUnchecked = false;
    return false;
  }

  /** For a model that knows no more of it; '' if there is nothing. The newest command first. */
  get facts(): string {
    const files = [...this.#changed.keys()].map(path => short(path, 200)).join(', ');
    const ran = this.#commands.map(({ command, exitCode }) => {
      const end = exitCode === null ? 'not over' : `exit code ${exitCode}`;
      return `You ran: ${short(command)} (${end})`;
    });
    const known = [...(files === '' ? [] : [`You changed: ${files}`]), ...new Set(ran.reverse())];
    return known.map(shownData).join('\n');
  }

  /** What was taken for the check is none. */
  dropCheck(): void {
    this.#checkPassed = null;
  }

  get result(): Tallied {
    return {
      turns: this.turns,
      promptTokens: this.#promptTokens,
      reusedTokens: this.#reusedTokens,
      outputTokens: this.outputTokens,
      changed: [...this.#changed.values()],
      commands: this.#commands,
      checkPassed: this.#checkPassed,
    };
  }

  /** Several changes of one file are told as the one that they come to. */
  #noteChange(change: ChangedFile): void {
    const before = this.#changed.get(change.path);
    if (before?.kind === 'create' && change.kind === 'delete') {
      this.#changed.delete(change.path);
      return;
    }
    const kind = before?.kind === 'create' ? 'create' : before?.kind === 'delete' ? 'edit' : change.kind;
    this.#changed.set(change.path, {
      path: change.path,
      kind,
      addedLines: (before?.addedLines ?? 0) + change.addedLines,
      removedLines: (before?.removedLines ?? 0) + change.removedLines,
    });
  }
}
