/** One task of the agent: what it is given, and what it comes to. Both profiles, native and guided, are run through this. */
import type { Backend } from '../backends/backend.ts';
import type { ErrorCode } from '../base/errors.ts';
import type { ChatMessage, ExpertLevel } from '../protocol/daemon.ts';
import type { ActionPolicy, Remembered } from './actions.ts';
import type {
  AgentEvent,
  AgentMode,
  AgentPorts,
  ChangedFile,
  FileChange,
  StopReason,
  TodoItem,
} from './ports.ts';
import type { RulesFile } from './rules.ts';

/** `native`: the model calls tools. `guided`: the host gathers and checks, the model writes code (for models that can't). */
export type AgentProfile = 'native' | 'guided';

export interface AgentBudget {
  turns: number;
  /** Written by the model, in all turns. */
  outputTokens: number;
  /** Without what the user takes to answer. */
  timeMs: number;
}

export interface AgentOptions {
  /** In the user's words. */
  task: string;
  /** What was said and done in the conversation since the agent's last task. For the model: what is wanted, the task alone says. */
  news?: string;
  mode: AgentMode;
  backend: Backend;
  ports: AgentPorts;
  /** What the user has allowed; read anew for every action. */
  policy(): ActionPolicy;
  /** The user allowed something for always. */
  remember(what: Remembered): void;
  budget: AgentBudget;
  /** Largest prompt and answer together, in tokens. */
  windowTokens: number;
  /** The checkpoint under which changes are kept. */
  turnId: string;
  /** KV sequence of the conversation. */
  sequence: string;
  level?: ExpertLevel;
  /** The messages of the conversation so far, byte for byte as they were sent, system prompt first; empty at its start. */
  history: ChatMessage[];
  /** The steps that the model wrote down in the work that this goes on with. */
  todo?: TodoItem[];
  /** Rules of the user and of the workspace, already read. */
  rules: string;
  /** Rules of the folders on the way to a path, where the workspace's may be read: the task may come to folders whose are not in `rules`. */
  rulesFor?(path: string): Promise<RulesFile[]>;
  /** Where the user is: file, selection, what they attached. Text of files is data. */
  context: AgentContext;
  /** How the user's project is checked, e.g. `npm test`; null: not known. */
  checkCommand: string | null;
  /** Where that runs; at the root without it. */
  checkFolder?: string;
  /** Nobody has said so: it may be one that can't run, and a model that sees more is not overruled by it. */
  isCheckGuessed?: boolean;
  /** A command of the model is waited for this long at most; then it goes on in the background. */
  commandTimeoutMs?: number;
  /**
   * Where this goes on with a task in the midst of which the process ended: puts back what was changed for it, as far as the user lets
   * it, and gives the paths. For a profile that begins anew with the files as they are. `isOwn`: false where the conversation is
   * another profile's, whose changes were meant to stay.
   */
  takeBackTorn?(isOwn: boolean): Promise<string[]>;
  /** Shown and stored before what it tells is done. */
  emit(event: AgentEvent): void;
  signal: AbortSignal;
}

export interface AgentContext {
  /** The file in front of the user, if any, and the lines that are selected (from 1, both included). */
  openFile: { path: string; selection: { startLine: number; endLine: number } | null } | null;
  /** `isProblem`: what a checker says that the task is to solve. */
  attachments: { label: string; language: string; text: string; isProblem?: boolean }[];
}

export interface AgentOutcome {
  reason: StopReason;
  /** The last words of the model to the user. */
  text: string;
  /** Where it ended as `error`: of which kind, for what helps. */
  errorCode?: ErrorCode;
  turns: number;
  promptTokens: number;
  reusedTokens: number;
  outputTokens: number;
  changed: ChangedFile[];
  commands: { command: string; exitCode: number | null }[];
  /** Whether the check that ran last passed; null: none ran. */
  checkPassed: boolean | null;
  /** `history` with what was sent and answered now: what the next task of the conversation begins with. */
  history: ChatMessage[];
}

/**
 * Carries out what the model asks for: asks for approval where it is needed, tells it in events (`approval`, `decision`, `output`,
 * `result`), and never throws for what the model or the user can act on. Shared by both profiles.
 */
export interface Actions {
  edit(callId: string, changes: FileChange[]): Promise<ActionResult>;
  /**
   * Puts files that this task changed back to what they were within it. Not asked for, and also done after the task was stopped:
   * it only takes away what the agent itself has done.
   */
  takeBack(callId: string, changes: FileChange[]): Promise<ActionResult>;
  command(callId: string, command: string, cwd: string, timeoutMs: number): Promise<ActionResult>;
  /** A tool of an MCP server; always asked for. */
  mcp(callId: string, server: string, tool: string, args: Record<string, unknown>): Promise<ActionResult>;
}
export interface ActionResult {
  ok: boolean;
  /** For the model. */
  text: string;
  /** One line for the user. */
  summary: string;
  changes: ChangedFile[];
  exitCode: number | null;
  /** Of a command that goes on in the background; null otherwise, also where only what it started does. */
  runningId: string | null;
  /** The user was asked and said no. `reason`: what they want instead, if they said so. */
  denial?: { reason: string | null };
}
