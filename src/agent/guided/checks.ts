/** Looks at the files as they are: the problems that the task is about, the user's check, and what is new since the task began. */
import { MoebiusError } from '../../base/errors.ts';
import { saysThatItRan, whyOff } from '../actions.ts';
import type { ActionResult, Actions, AgentOptions } from '../agent.ts';
import { checkName, folderName, guessedWrong, whyUseless, withoutCheck } from '../check-command.ts';
import type { Diagnostic } from '../ports.ts';
import { type CheckReport, readCheck } from './check-report.ts';
import { beyond, type Findings, remainingOf } from './findings.ts';
import { aboutOf } from './intent.ts';
import { SyntaxCheck } from './syntax-check.ts';

const CHECK_TIMEOUT_MS = 180_000;
/** A version that takes much longer than the code did before has a loop that does not end. */
const LONGER = 4;
const LEAST_TIMEOUT_MS = 15_000;

export class Checks {
  readonly commands: { command: string; exitCode: number | null }[] = [];
  /** null: there is none, or none any more. */
  private command: string | null;
  private readonly options: AgentOptions;
  private readonly actions: Actions;
  private readonly callId: () => string;
  /** Diagnostics before the task, by file. */
  private readonly before = new Map<string, Diagnostic[]>();
  private readonly syntax: SyntaxCheck;
  private problems: Diagnostic[] = [];
  private timeoutMs = CHECK_TIMEOUT_MS;
  private words: string | null = null;

  constructor(options: AgentOptions, actions: Actions, callId: () => string) {
    this.options = options;
    this.actions = actions;
    this.callId = callId;
    this.command = options.checkCommand;
    this.syntax = new SyntaxCheck(options);
  }

  /** Whether the check passed when it ran last; null: it did not run, or told nothing. */
  get passed(): boolean | null {
    const last = this.commands.at(-1);
    return last && this.command !== null ? last.exitCode === 0 : null;
  }

  /** What is wrong before the task. */
  async start(paths: readonly string[]): Promise<Findings> {
    const remaining = await this.problemsOfTask();
    const isChecking = remaining.length === 0 && this.command !== null;
    const check = isChecking ? await this.check(paths) : null;
    // Without the check, a task to mend something is about what the language servers say.
    const isDropped = isChecking && check === null;
    return { check, remaining: isDropped ? await this.problemsOfTask() : remaining, fresh: [] };
  }

  /** Problems that the task is about: named in it or in what is attached as one, or in the selected lines of the open file. */
  async problemsOfTask(): Promise<Diagnostic[]> {
    const { context, task } = this.options;
    if (!/\b(?:fix|problem|error|warning|diagnostic|lint|issue|resolve|correct)/i.test(task)) return [];
    const { openFile } = context;
    const found = await this.reported(openFile ? [openFile.path] : null);
    const flat = oneLine(aboutOf(this.options));
    const named = found.filter(
      ({ message }) => message && flat.includes(oneLine(message).replace(/[.\s]+$/, '')),
    );
    const selection = openFile?.selection;
    const selected = (named.length > 0 ? named : found).filter(
      ({ line }) => selection && line >= selection.startLine && line <= selection.endLine,
    );
    const chosen = selected.length > 0 ? selected : named;
    // The same thing elsewhere in the file has the same cause more often than not.
    const kinds = new Set(chosen.map(({ path, message }) => `${path}\n${message}`));
    const same = found.filter(({ path, message }) => kinds.has(`${path}\n${message}`));
    const serious = found.filter(({ severity }) => severity !== 'information');
    this.problems = same.length > 0 || this.command !== null ? same : serious;
    return this.problems;
  }

  /** null if there is no check, or none any more: then the user is told. */
  private async check(paths: readonly string[]): Promise<CheckReport | null> {
    if (this.command === null) return null;
    const report = await this.run(this.command, paths);
    if (typeof report !== 'string') return report;
    this.options.emit({ type: 'notice', text: withoutCheck(report) });
    return null;
  }

  /**
   * Runs the user's check; why that tells nothing, for the user: from then on there is none. `paths`: the files of the workspace.
   * @throws MoebiusError `refused` when nothing at all may be done
   */
  async run(command: string, paths: readonly string[]): Promise<CheckReport | string> {
    const { checkFolder = '', emit, ports } = this.options;
    const callId = this.callId();
    const call = { kind: 'call', name: 'run_command', arguments: { command } } as const;
    emit({ type: 'call', callId, call, title: `Run ${command}${folderName(checkFolder)}` });
    const startMs = ports.clock.now();
    const result = await this.actions.command(callId, command, checkFolder, this.timeoutMs);
    const { exitCode, runningId, text } = result;
    if (runningId !== null) await ports.terminal.kill(runningId);
    const isFirst = this.commands.length === 0;
    const hasRun = saysThatItRan(text);
    if (hasRun) this.commands.push({ command, exitCode });
    const why = hasRun ? isFirst && this.uselessness(command, result) : this.notRun(result);
    if (why) {
      this.command = null;
      return why;
    }
    if (isFirst) this.timeoutMs = this.limitFor(ports.clock.now() - startMs);
    return readCheck(exitCode === null ? ENDLESS : text, exitCode, paths, checkFolder);
  }

  /** Why the first run says nothing about the code; null: it does. */
  private uselessness(command: string, { exitCode, text }: ActionResult): string | null {
    const name = checkName(this.options);
    if (exitCode === null)
      return `${name} did not come to its end, for which it has ${CHECK_TIMEOUT_MS / 1000} s.`;
    // One that the user has named is what they want to pass, even if it is the command that is to be mended.
    const why = this.options.isCheckGuessed ? whyUseless(command, exitCode, text) : null;
    return why && guessedWrong(name, why);
  }

  /** The user may want the change without the check; where nothing may be done there is nothing to go on with. */
  private notRun({ summary, denial }: ActionResult): string {
    if (whyOff(this.options.policy()) !== null) throw new MoebiusError('refused', summary);
    this.words = denial?.reason ?? null;
    return `${checkName(this.options)} did not run${denial ? '.' : `: ${summary}`}`;
  }

  /** What the user said instead of allowing the check; null: nothing, or it was taken before. */
  takeWords(): string | null {
    const { words } = this;
    this.words = null;
    return words;
  }

  /** By the language servers; nothing where there are none. */
  private reported(paths: string[] | null): Promise<Diagnostic[]> {
    const { ports, signal } = this.options;
    return ports.diagnostics.read(paths, signal).catch(error => {
      if (error instanceof MoebiusError && error.code === 'unsupported') return [];
      throw error;
    });
  }

  private limitFor(tookMs: number): number {
    return Math.min(CHECK_TIMEOUT_MS, Math.max(LEAST_TIMEOUT_MS, LONGER * tookMs));
  }

  /** Remembers what is wrong with a file before it is changed. */
  async remember(path: string): Promise<void> {
    if (this.before.has(path)) return;
    this.before.set(path, await this.reported([path]));
    await this.syntax.remember(path);
  }

  /** `isChecking`: the user's check is part of what is to be reached. */
  async look(paths: readonly string[], isChecking: boolean): Promise<Findings> {
    const before = [...this.before.values()].flat();
    const found = await this.reported([...this.before.keys()]);
    const fresh = beyond(found, before).filter(({ severity }) => this.matters(severity));
    // A language server says it better.
    const told = new Set(fresh.map(({ path }) => path));
    const broken = (await this.syntax.fresh()).filter(({ path }) => !told.has(path));
    return {
      check: isChecking ? await this.check(paths) : null,
      remaining: remainingOf(found, before, this.problems),
      fresh: [...fresh, ...broken],
    };
  }

  /** As severe as what the task is about: one warning in exchange for another solves nothing. */
  private matters(severity: Diagnostic['severity']): boolean {
    const ranks = this.problems.map(problem => SEVERITIES.indexOf(problem.severity));
    return SEVERITIES.indexOf(severity) <= (ranks.length > 0 ? Math.min(...ranks) : 0);
  }
}

/** The most severe first. */
const SEVERITIES: readonly Diagnostic['severity'][] = ['error', 'warning', 'information'];

const ENDLESS = 'It did not come to its end and was stopped: there is a loop that does not end.';

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();
