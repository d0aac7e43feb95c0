/** The agent in this window: what the chat needs of the editor to let it work, and to take its work back. */
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { ActionPolicy } from '../../agent/actions.ts';
import type { AgentOutcome } from '../../agent/agent.ts';
import { projectCheck } from '../../agent/check-command.ts';
import type { ApprovalPort, ChangedFile, McpPort, SyntaxPort } from '../../agent/ports.ts';
import { type PromptFile, readPromptFiles } from '../../agent/prompt-files.ts';
import { folderRules, type Rules, readRules, rulesPlaces } from '../../agent/rules.ts';
import { profileFor, runAgent } from '../../agent/run.ts';
import { wordsOf } from '../../agent/transcript.ts';
import { orAborted } from '../../base/abort.ts';
import { FileFaults } from '../../completion/syntax/file-faults.ts';
import type { ApprovalPolicy, Mode } from '../../protocol/agent-view.ts';
import { CHECKPOINT_BYTES } from '../../workspace/checkpoints.ts';
import { parseMcpConfig } from '../../workspace/mcp-config.ts';
import { readMcpFiles } from '../../workspace/mcp-files.ts';
import type { DiskUse } from '../chat/store.ts';
import type { HostContext } from '../context.ts';
import { readSettings } from '../settings.ts';
import { showActList } from './act-list.ts';
import { showAllowed } from './allowed-list.ts';
import type { Attention } from './attention.ts';
import { BeforeTexts } from './before-text.ts';
import { CommandMemory } from './command-memory.ts';
import type { AgentEditor, RestoreChoice } from './desk.ts';
import { HunkReview } from './hunk-review.ts';
import { gatedMcp, type McpGateOptions, namesServers } from './mcp-gate.ts';
import { AgentModes, lockedReason } from './modes.ts';
import { ReviewStore } from './review-store.ts';
import { changedRules, RulesMemory } from './rules-memory.ts';
import type { AgentTask } from './runner.ts';
import { ServerMemory } from './server-memory.ts';
import { type ShownCommand, TerminalMirror } from './terminal-mirror.ts';
import { chooseRestore, confirmOverwrite, confirmReplacing, sayNotUndone } from './undo-questions.ts';
import { openFile, userPlace } from './user-place.ts';
import { WorkspacePorts } from './workspace-ports.ts';

/** Written by the model in one task, before it is asked whether to go on. */
const OUTPUT_TOKENS = 50_000;
/** A local model is slow; what takes longer than this was not meant to. */
const TIME_MS = 60 * 60_000;

export interface AgentWindow {
  attention: Attention;
  /** What the picker shows has changed by itself. */
  onDidChangePolicy(): void;
}

export class VsCodeAgent implements AgentEditor, vscode.Disposable {
  readonly #storage: string;
  readonly #syntax: SyntaxPort;
  readonly #warn: (message: string, cause: unknown) => void;
  readonly #window: AgentWindow;
  readonly #modes: AgentModes;
  readonly #commands: CommandMemory;
  readonly #servers: ServerMemory;
  readonly #rules: RulesMemory;
  readonly review: HunkReview;
  readonly #mirror = new TerminalMirror();
  readonly #before = new BeforeTexts(async (turnId, path) => (await this.#ports()).textBefore(turnId, path));
  #open: Promise<WorkspacePorts> | null = null;
  /** Told by a message of the window, which is not to come with each chat. */
  #cutShown: string | null = null;
  /** What tasks work with, one entry a task. */
  readonly #working: WorkspacePorts[] = [];

  constructor({ extension, grammars, log }: HostContext, window: AgentWindow) {
    this.#storage = (extension.storageUri ?? extension.globalStorageUri).fsPath;
    this.#syntax = new FileFaults(grammars);
    const store = new ReviewStore(join(this.#storage, 'review.json'));
    this.#warn = (message, cause) => log.warn(message, cause);
    this.review = new HunkReview(store, this.#warn);
    this.#window = window;
    this.#modes = new AgentModes(extension.workspaceState);
    this.#commands = new CommandMemory(extension.workspaceState);
    this.#servers = new ServerMemory(extension.workspaceState);
    this.#rules = new RulesMemory(extension.workspaceState);
  }

  mode = () => this.#modes.mode;
  picker = () => this.#modes.picker;
  chooseMode = (mode: Mode) => this.#modes.chooseMode(mode);
  choosePolicy = (policy: ApprovalPolicy) => this.#modes.choosePolicy(policy);
  showAllowed = () => showAllowed(this.#commands, this.#servers, readSettings().agent.allowedCommands);

  /** Folders or servers came or went: the next task looks at those that are there then. One that is at work ends as it began. */
  reopen(): void {
    void this.#open?.then(ports => {
      if (!this.#working.includes(ports)) ports.dispose();
    });
    this.#open = null;
  }

  async prompts(): Promise<PromptFile[]> {
    if (lockedReason() !== null) return [];
    const { folders, ports } = await this.#ports();
    return readPromptFiles(ports.workspace, vscode.workspace.isTrusted, folders.roots);
  }

  async run(task: AgentTask): Promise<AgentOutcome> {
    const opened = this.#ports();
    const all = await opened;
    this.#working.push(all);
    try {
      return await this.#run(task, all);
    } finally {
      this.#working.splice(this.#working.indexOf(all), 1);
      if (this.#open !== opened && !this.#working.includes(all)) all.dispose();
    }
  }

  async #run(task: AgentTask, all: WorkspacePorts): Promise<AgentOutcome> {
    const { folders, ports } = all;
    const { agent: settings } = readSettings();
    let reviewed = Promise.resolve();
    const texts = new Map<string, string>();
    const emit: AgentTask['emit'] = event => {
      task.emit(event);
      this.#mirror.follow(event);
      // At once, so that what a crash interrupts can be looked through as well.
      if (event.type === 'result' && event.changes.length > 0)
        reviewed = reviewed.then(() => this.#review(all, task.turnId, event.changes, texts));
    };
    const waits = <T>(text: string, wait: Promise<T>) => this.#window.attention.during(text, task.chat, wait);
    const approval: ApprovalPort = {
      ask: (request, signal) => waits(`Moebius asks: ${request.title}`, task.approval.ask(request, signal)),
    };
    const profile = settings.profile === 'auto' ? profileFor(task.model) : settings.profile;
    // A model that is led begins a task anew, which is done when what was asked is; the other has it all in its history.
    const asked = profile === 'guided' ? task.first : task.ask;
    const context = userPlace(folders, asked);
    const notice = (text: string | null) => text !== null && emit({ type: 'notice', text });
    const openFile = context.openFile?.path ?? null;
    const rules = await this.#readRules(all, openFile, profile === 'native');
    // They are read when a conversation begins; once it has been told, it need not be again.
    if (task.history.length === 0)
      for (const text of [rules.cut, this.#changed(rules.said, openFile)]) notice(text);
    const outcome = await runAgent(profile, {
      task: wordsOf(asked),
      news: task.news,
      todo: task.todo,
      mode: task.mode,
      backend: task.backend,
      ports: {
        ...ports,
        approval,
        ...(await this.#mcp(all, { turnId: task.turnId, mode: task.mode, approval, emit })),
        questions: {
          ask: (question, options, signal) =>
            waits(`Moebius asks: ${question}`, task.questions.ask(question, options, signal)),
        },
      },
      budget: { turns: settings.maxTurns, outputTokens: OUTPUT_TOKENS, timeMs: TIME_MS },
      windowTokens: task.model.contextTokens,
      turnId: task.turnId,
      // Its system prompt is another than the chat's: on one sequence each change of the mode would mean reading all of it again.
      sequence: 'agent',
      level: task.level,
      history: task.history,
      rules: rules.text,
      rulesFor: async path => {
        const files = vscode.workspace.isTrusted ? await folderRules(ports.workspace, path) : [];
        notice(this.#changed(Object.fromEntries(files.map(({ path, text }) => [path, text])), path));
        return files;
      },
      context,
      ...(await projectCheck(
        settings.checkCommand,
        ports.workspace,
        { roots: folders.roots, openFile },
        this.#policy(task.mode).shell,
      )),
      commandTimeoutMs: settings.commandTimeoutMs,
      takeBackTorn: async isOwn => {
        if (isOwn) return this.#takeBackTorn(all, task);
        // Nor later, when the conversation is this profile's.
        for (const { undone } of task.torn) undone([]);
        return [];
      },
      policy: () => this.#policy(task.mode),
      remember: what => {
        if (what.kind === 'commands') this.#commands.remember(what.rules);
        else void this.#modes.choosePolicy('auto-edit').then(() => this.#window.onDidChangePolicy());
      },
      emit,
      signal: task.signal,
    });
    await reviewed;
    const running = runningNotice(all.terminal.running());
    if (running !== null) emit({ type: 'notice', text: running });
    return outcome;
  }

  async rules(): Promise<string> {
    const all = lockedReason() === null ? await this.#ports().catch(error => this.#unread(error)) : null;
    const near = all && (openFile(all.folders)?.path ?? null);
    const { text, cut, said } = await this.#readRules(all, near, false);
    for (const notice of [cut !== this.#cutShown ? cut : null, all && this.#changed(said, near)])
      if (notice !== null) void vscode.window.showWarningMessage(notice);
    this.#cutShown = cut;
    return text;
  }

  /** What of the rules on the way to a file is new or changed, for the user. Where none may be read, nothing is known of them. */
  #changed(said: Rules['said'], near: string | null): string | null {
    if (!vscode.workspace.isTrusted) return null;
    return changedRules(this.#rules.exchange(said, near === null ? [] : rulesPlaces(near)));
  }

  /** An answer in words needs no folder. */
  #unread(error: unknown): null {
    this.#warn('the rules of the workspace can not be read', error);
    return null;
  }

  /** `all` null: there is no workspace that may be read. */
  #readRules(all: WorkspacePorts | null, openFile: string | null, canReadFiles: boolean): Promise<Rules> {
    return readRules(all?.ports.workspace ?? null, {
      userRules: readSettings().agent.rules,
      isTrusted: vscode.workspace.isTrusted,
      roots: all?.folders.roots ?? [],
      ...{ openFile, canReadFiles },
    });
  }

  /** `texts`: of the files that this turn has changed before, as it left them: since then the user may have decided about some of it. */
  async #review(
    all: WorkspacePorts,
    turnId: string,
    changes: readonly ChangedFile[],
    texts: Map<string, string>,
  ): Promise<void> {
    for (const { path, kind } of changes) {
      const left = texts.get(path);
      texts.delete(path);
      if (kind === 'delete') continue;
      try {
        const { opened } = await all.folders.resolve(path);
        const { text } = await all.ports.workspace.read(path);
        this.review.add(vscode.Uri.file(opened), left ?? (await all.textBefore(turnId, path)), text);
        texts.set(path, text);
      } catch (error) {
        this.#warn(`review: ${path} can not be looked through`, error);
      }
    }
  }

  /** The mode is the one in which the task was sent: the one chosen by now is that of the next message. */
  #policy(mode: Mode): ActionPolicy {
    const { policy } = this.#modes;
    return {
      mode: lockedReason() === null ? mode : 'ask',
      askEverything: policy === 'ask-everything',
      readOnly: policy === 'read-only',
      autoApproveEdits: policy === 'auto-edit',
      commandRules: this.#commands.rules(readSettings().agent.allowedCommands),
      shell: process.platform === 'win32' ? 'windows' : 'posix',
    };
  }

  async showTerminal(command: ShownCommand): Promise<void> {
    this.#mirror.show(command);
  }

  async showDiff(turnId: string, path: string): Promise<void> {
    const { folders } = await this.#ports();
    const { opened, exists } = await folders.resolve(path);
    const before = this.#before.uri(turnId, path);
    const name = path.slice(path.lastIndexOf('/') + 1);
    // A file that the agent deleted has nothing on the right.
    const after = exists ? vscode.Uri.file(opened) : before.with({ query: '' });
    await vscode.commands.executeCommand('vscode.diff', before, after, `Moebius: Changes of ${name}`);
  }

  /** `confirm`: which of the files that were changed since are put back all the same. */
  async undo(turnId: string, paths: string[], confirm = confirmOverwrite): Promise<string[]> {
    const all = await this.#ports();
    const { checkpoints } = all;
    const texts = await Promise.all(paths.map(path => all.textNow(path)));
    const first = await checkpoints.undo(turnId, [], paths);
    const overwrite = first.conflicts.length > 0 ? await confirm(first.conflicts) : [];
    const second = overwrite.length > 0 ? await checkpoints.undo(turnId, overwrite, overwrite) : first;
    if (first.lost.length > 0) {
      void vscode.window.showWarningMessage(
        `What ${first.lost.join(', ')} was before is no longer kept, because the space for it was used up.`,
      );
    }
    const stuck = new Set([
      ...first.conflicts.filter(path => !overwrite.includes(path)),
      ...first.lost,
      ...second.lost,
    ]);
    for (const [index, path] of paths.entries()) {
      if (stuck.has(path)) continue;
      const uri = vscode.Uri.file((await all.folders.resolve(path)).opened);
      const now = await all.textNow(path);
      if (now === null) this.review.forget(uri);
      // Nothing is taken away from a file that was not there.
      else this.review.undoChange(uri, texts[index] ?? now, now);
    }
    return paths.filter(path => !stuck.has(path));
  }

  async #takeBackTorn(
    { checkpoints }: WorkspacePorts,
    { torn, mode, chat, signal }: AgentTask,
  ): Promise<string[]> {
    if (this.#policy(mode).readOnly) return [];
    const confirm = (conflicts: string[]) => {
      const answer = orAborted(confirmOverwrite(conflicts), signal).catch(error => {
        // The others are put back by then, which is still to be told.
        if (signal.aborted) return [];
        throw error;
      });
      return this.#window.attention.during('Moebius asks: Overwrite what was changed since?', chat, answer);
    };
    const all = new Set<string>();
    for (const { turnId, decided, undone } of torn) {
      const changed = await checkpoints.paths(turnId);
      const open = changed.filter(path => !decided.includes(path));
      const back = await this.undo(turnId, open, confirm);
      for (const path of back) all.add(path);
      if (back.length > 0 || !signal.aborted) undone(back);
      if (signal.aborted) break;
    }
    return [...all];
  }

  async keep(turnId: string, paths: string[]): Promise<void> {
    const all = await this.#ports();
    for (const path of paths) {
      const uri = vscode.Uri.file((await all.folders.resolve(path)).opened);
      const [after, now] = [await all.textAfter(turnId, path), await all.textNow(path)];
      // What the turn has left is not known any more, or nothing is there.
      if (after === null || now === null) this.review.forget(uri);
      else this.review.keepChange(uri, await all.textBefore(turnId, path), after, now);
    }
  }

  async showRunning(): Promise<void> {
    const terminals = [...new Set([await this.#ports(), ...this.#working])].map(({ terminal }) => terminal);
    showActList({
      title: 'Commands of the Agent That Run',
      placeholder: 'Choose what is to be stopped',
      empty: 'None is running',
      items: () =>
        terminals.flatMap(terminal =>
          terminal.running().map(({ id, command }) => ({
            label: `$(debug-stop) ${command}`,
            description: id,
            act: () => terminal.kill(id),
          })),
        ),
    });
  }

  async checkpointUse(): Promise<DiskUse | null> {
    if (lockedReason() !== null) return null;
    const { checkpoints } = await this.#ports();
    return { sizeBytes: await checkpoints.sizeBytes(), capBytes: CHECKPOINT_BYTES };
  }

  async chooseRestore(fileCount: number, commands: string[]): Promise<RestoreChoice | null> {
    const { checkpoints } = await this.#ports();
    return chooseRestore(fileCount, commands, await checkpoints.sizeBytes());
  }

  confirmReplacing = confirmReplacing;
  sayNotUndone = sayNotUndone;

  dispose(): void {
    this.reopen();
    for (const ports of this.#working) ports.dispose();
    this.review.dispose();
    this.#mirror.dispose();
    this.#before.dispose();
  }

  /** The servers of the user's settings, and those of the workspace's files that they allow; no port where there are none. */
  async #mcp(
    { folders, ports, servers, root }: WorkspacePorts,
    task: Pick<AgentTask, 'turnId' | 'mode' | 'approval' | 'emit'>,
  ): Promise<{ mcp?: McpPort }> {
    const prefix = folders.roots[0]!;
    const options: McpGateOptions = {
      ...task,
      servers,
      readOwn: () => parseMcpConfig(JSON.stringify({ servers: readSettings().agent.mcpServers }), root),
      readFiles: async () =>
        vscode.workspace.isTrusted
          ? readMcpFiles(ports.workspace, { prefix, root })
          : { servers: [], problems: [] },
      folder: root,
      consents: this.#servers,
      policy: () => this.#policy(task.mode),
    };
    return (await namesServers(options)) ? { mcp: gatedMcp(options) } : {};
  }

  #ports(): Promise<WorkspacePorts> {
    this.#open ??= WorkspacePorts.open(this.#storage, this.#syntax).catch(error => {
      this.#open = null;
      throw error;
    });
    return this.#open;
  }
}

function runningNotice(running: readonly { command: string }[]): string | null {
  if (running.length === 0) return null;
  const commands = running.map(({ command }) => command).join(', ');
  return `Still running in the background: ${commands}. /running lists what runs, and stops it.`;
}
