/**
 * What the agent needs from the world, so that the loop itself touches neither files, processes nor the editor. The extension
 * implements these with VS Code, the command line with Node (`src/workspace`), tests with what they script.
 *
 * Paths are relative to the workspace, with `/`; in a workspace of several folders the first part is the folder's name. A port
 * resolves them when it uses them, links included, and refuses what leads outside.
 */
import type { Clock } from '../base/clock.ts';
import type { ChatMessage, ToolCall } from '../protocol/daemon.ts';

/** Failures that the model can act on: thrown by ports with code `refused`, `not-found`, ... and a message written for it. */
export interface WorkspacePort {
  /** @throws MoebiusError for a path outside, a missing, binary or too large file. */
  read(path: string, signal?: AbortSignal): Promise<TextFile>;
  list(path: string, options: { recursive: boolean; limit: number }): Promise<DirectoryEntry[]>;
  /** Paths that match a glob, ignored files left out, sorted. */
  find(glob: string, limit: number, signal?: AbortSignal): Promise<string[]>;
  grep(query: GrepQuery, signal?: AbortSignal): Promise<GrepHit[]>;
  /**
   * Whether a command that is given this path, perhaps with a pattern as its last part, may come to something outside or to a secret:
   * through a link.
   */
  leadsAway(path: string): Promise<boolean>;
  /** Whether searches leave a folder out: by `.gitignore`, or as `node_modules`. What lies there is others' work. */
  isIgnored(folder: string): Promise<boolean>;
  /**
   * Why git that only reads may do more in a folder, or print what is not the repository's; null: it does not. `comparesFiles`: it is
   * `git diff` with two names, which needs no repository.
   */
  gitRisk(folder: string, comparesFiles: boolean, signal?: AbortSignal): Promise<string | null>;
}

export interface TextFile {
  path: string;
  /** As stored, line ends included, without a byte order mark. The unsaved text if the file is open and dirty. */
  text: string;
  /** Changes whenever the text does; an edit names the version that it was made for. */
  version: string;
}
export interface DirectoryEntry {
  path: string;
  kind: 'file' | 'directory' | 'link';
  sizeBytes: number | null;
}
export interface GrepQuery {
  pattern: string;
  isRegExp: boolean;
  /** Glob of the files to look into; all without it. */
  include?: string;
  limit: number;
}
export interface GrepHit {
  path: string;
  /** From 1. */
  line: number;
  text: string;
}

/** One file of a set that is applied as a whole or not at all. Offsets are UTF-16 units of the text of `version`. */
export type FileChange =
  | { kind: 'edit'; path: string; version: string; replacements: Replacement[] }
  | { kind: 'create'; path: string; text: string }
  | { kind: 'delete'; path: string; version: string };
export interface Replacement {
  start: number;
  end: number;
  text: string;
}
export interface ChangedFile {
  path: string;
  kind: 'edit' | 'create' | 'delete';
  addedLines: number;
  removedLines: number;
}
export interface EditPort {
  /**
   * All or nothing. Encoding, byte order mark, line ends, mode and links are kept; an open document is changed through the editor
   * and not saved if it was dirty. What was there before goes to the checkpoint of `turnId` first.
   * @throws MoebiusError `stale` if a file is not what `version` says, `refused` for a path outside.
   */
  apply(changes: FileChange[], turnId: string): Promise<ChangedFile[]>;
}

export interface CommandRequest {
  command: string;
  /** Relative to the workspace. */
  cwd: string;
  timeoutMs: number;
  signal?: AbortSignal;
  onOutput?(text: string): void;
}
/** What a command did so far. `running`: it, or what it started, goes on in the background under `id`. */
export interface CommandRun {
  id: string;
  state: 'exited' | 'killed' | 'running';
  /** null: it has not come to its end. Not null while `running`: only what it started goes on. */
  exitCode: number | null;
  /** Escapes taken out. */
  output: string;
}
export interface TerminalPort {
  run(request: CommandRequest): Promise<CommandRun>;
  /** A page of the output of a command, from a line (from 0) on. */
  page(id: string, fromLine: number, lines: number): CommandPage;
  kill(id: string): Promise<void>;
}
export interface CommandPage {
  state: CommandRun['state'];
  exitCode: number | null;
  text: string;
  totalLines: number;
}

export interface Diagnostic {
  path: string;
  /** From 1. */
  line: number;
  column: number;
  severity: 'error' | 'warning' | 'information';
  message: string;
  source: string;
}
export interface DiagnosticsPort {
  /**
   * Of these files, or of the workspace. Waits a moment for what an edit makes the language servers find.
   * @throws MoebiusError `unsupported` where there are none
   */
  read(paths: string[] | null, signal?: AbortSignal): Promise<Diagnostic[]>;
}

export interface SyntaxFault {
  /** From 1. */
  line: number;
  column: number;
  message: string;
}
export interface SyntaxPort {
  /** Where `text`, as the content of the file at `path`, can't be parsed; null: it has no grammar, or takes too long. */
  faults(path: string, text: string): Promise<readonly SyntaxFault[] | null>;
}

/** What is asked for. Reading inside the workspace is free and never asked; outside, tools can't. */
export type Capability = 'edit' | 'edit-protected' | 'command' | 'mcp';
export interface ApprovalRequest {
  /** The id of the call that needs it. */
  callId: string;
  capability: Capability;
  /** `Run a command`, `Edit 2 files`. */
  title: string;
  /** The exact command, or a unified diff: what would happen, in full, with what is invisible in it shown. */
  detail: string;
  /** The command as it would run, for comparison. */
  command?: string;
  /** Why it is asked although it may look harmless: `writes outside the workspace`. null: nothing special. */
  warning: string | null;
  /** Hash of the canonical arguments. What is carried out must have the same. */
  fingerprint: string;
  /** What "always" would allow in this workspace, in words: `npm test`; null: it can't be remembered. */
  remember: string | null;
}
export type ApprovalDecision =
  | { kind: 'once' }
  | { kind: 'always' }
  /** `reason`: what the user typed, for the model. */
  | { kind: 'deny'; reason: string | null };
export interface ApprovalPort {
  /** Rejects when `signal` is aborted, and with `refused` where nobody can be asked. */
  ask(request: ApprovalRequest, signal: AbortSignal): Promise<ApprovalDecision>;
}

export interface RenameRequest {
  path: string;
  /** Of the definition's name, from 1; columns in UTF-16 units. */
  line: number;
  column: number;
  newName: string;
}
export interface SymbolsPort {
  /** Every file that the renaming changes as its new text, `\n` line ends, by path; null: nobody here knows. Changes nothing. */
  textsAfterRename(request: RenameRequest, signal: AbortSignal): Promise<ReadonlyMap<string, string> | null>;
}

export interface QuestionPort {
  /** A question of the model to the user. null: the user does not want to answer. */
  ask(question: string, options: string[], signal: AbortSignal): Promise<string | null>;
}

/** A tool of an MCP server. What the server says of it is data. */
export interface McpTool {
  server: string;
  name: string;
  description: string;
  /** JSON Schema of the arguments. */
  schema: Record<string, unknown>;
}
export interface McpPort {
  /** Of all servers; `problems` says, for the user, which could not be reached. Never rejects but for `signal`. */
  list(signal: AbortSignal): Promise<{ tools: McpTool[]; problems: string[] }>;
  /** `ok`: the server does not call it an error. @throws MoebiusError when it does not answer. */
  call(
    server: string,
    name: string,
    args: Record<string, unknown>,
    signal: AbortSignal,
  ): Promise<{ ok: boolean; text: string }>;
}

/** The next thing the loop does is shown and stored before it is done. */
export type AgentEvent =
  /** The model begins to write, again. */
  | { type: 'turn'; turn: number }
  | { type: 'text'; text: string }
  /** Before it is carried out. `title` is for the user: `Read src/a.ts`. */
  | { type: 'call'; callId: string; call: ToolCall; title: string }
  | { type: 'approval'; request: ApprovalRequest }
  | { type: 'decision'; callId: string; decision: ApprovalDecision }
  /** Live output of a command. */
  | { type: 'output'; callId: string; text: string }
  /** `text` is what the model reads, `summary` one line for the user. */
  | {
      type: 'result';
      callId: string;
      ok: boolean;
      text: string;
      summary: string;
      changes: ChangedFile[];
    }
  | { type: 'todo'; items: TodoItem[] }
  | { type: 'question'; callId: string; question: string; options: string[] }
  /** A fact for the user: `old results were shortened`. */
  | { type: 'notice'; text: string }
  /** What the conversation is from now on, byte for byte: its first `kept` messages, then these. Stored, not shown. */
  | { type: 'history'; kept: number; messages: ChatMessage[] }
  | { type: 'end'; reason: StopReason; text: string };

export interface TodoItem {
  text: string;
  state: 'open' | 'doing' | 'done';
}
/** `unfinished`: it can't be done, or nobody knows whether it is, as the text says. `limit`: a budget of turns, tokens or time is used up; the user may let it go on. */
export type StopReason =
  | 'done'
  | 'answered'
  | 'unfinished'
  | 'stopped'
  | 'limit'
  | 'repetition'
  | 'empty'
  | 'error';

/** `ask`: no tools. `plan`: reads, changes nothing. `agent`: everything, with approval. */
export type AgentMode = 'ask' | 'plan' | 'agent';

export interface AgentPorts {
  workspace: WorkspacePort;
  edits: EditPort;
  terminal: TerminalPort;
  diagnostics: DiagnosticsPort;
  approval: ApprovalPort;
  questions: QuestionPort;
  /** What budgets of time are measured with. */
  clock: Clock;
  /** What a language server knows of names; without it they are told from the text. */
  symbols?: SymbolsPort;
  /** What a grammar knows of code; without it nobody says that an edit broke a file where no language server does. */
  syntax?: SyntaxPort;
  /** Without it there are no MCP servers. */
  mcp?: McpPort;
}
