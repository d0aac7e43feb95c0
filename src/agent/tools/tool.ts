/** What a tool of the agent is: what the model reads about it, and what happens when it is called. One file per tool beside this. */
import type { ToolDefinition } from '../../protocol/daemon.ts';
import type { Actions } from '../agent.ts';
import type { AgentEvent, AgentPorts, ChangedFile, TodoItem } from '../ports.ts';
import type { PagedText } from '../result-text.ts';
import { type ArgumentsOf, type Parameters, readArguments, schemaOf } from './parameters.ts';

/** A file that the model knows whole. */
export interface SeenFile {
  version: string;
  /** Since then: while what it was shown in that turn is in the prompt. */
  turn: number;
}

export interface ToolContext {
  callId: string;
  turn: number;
  ports: AgentPorts;
  actions: Actions;
  /** A command is waited for no longer. */
  commandTimeoutMs: number;
  signal: AbortSignal;
  emit(event: AgentEvent): void;
  /** By path. */
  seen: Map<string, SeenFile>;
  /** The newest that was told of commands that run, by what was asked. */
  heard: Map<string, string>;
}

export interface ToolResult {
  ok: boolean;
  /** For the model. */
  text: string | PagedText;
  /** For the user, one line. */
  summary: string;
  changes: ChangedFile[];
  /** The text is all of this file, if none of it had to be left out. */
  shows?: { path: string; version: string };
  /** Of a command: what was to be run, where, and its exit code if it ended. */
  command?: { command: string; cwd: string; exitCode: number | null };
  /** It is waited for something that goes on by itself: the same call once more is no repetition. */
  isWait?: boolean;
  /** The steps of the task, as the model has written them down. */
  todo?: TodoItem[];
  /** The task is over; the last words of the model. */
  done?: string;
  /** It is over and not done. */
  isGivenUp?: boolean;
  /** The result event was sent already, by what asked for approval. */
  isTold?: boolean;
}

export interface Tool {
  definition: ToolDefinition;
  /** Files or the machine may be another afterwards; refused in plan mode. */
  isChanging: boolean;
  /** The call, ready to be carried out; or why not, for the model. */
  prepare(given: Record<string, unknown>): PreparedCall | { error: string };
}
export interface PreparedCall {
  /** For the user, before it is done: `Read src/a.ts`. */
  title: string;
  /** @throws MoebiusError with a message for the model */
  run(context: ToolContext): Promise<ToolResult>;
}

export function defineTool<P extends Parameters>(tool: {
  name: string;
  description: string;
  parameters: P;
  isChanging?: boolean;
  title(args: ArgumentsOf<P>): string;
  run(args: ArgumentsOf<P>, context: ToolContext): Promise<ToolResult>;
}): Tool {
  const { name, description, parameters } = tool;
  return {
    definition: { name, description, parameters: schemaOf(parameters) },
    isChanging: tool.isChanging ?? false,
    prepare(given) {
      const reading = readArguments(parameters, given);
      if (reading.kind === 'wrong') return { error: `${reading.error} Call ${name} again.` };
      const { values } = reading;
      return { title: tool.title(values), run: context => tool.run(values, context) };
    },
  };
}

/** A result that changed nothing. */
export const told = (text: string | PagedText, summary: string, ok = true): ToolResult => ({
  ok,
  text,
  summary,
  changes: [],
});

/** `3 files`, `1 file`. */
export const counted = (count: number, what: string): string =>
  `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;

/** For a title: one line, not too long. */
export function short(text: string, chars = 80): string {
  const line = text.trim().replace(/\s+/g, ' ');
  return line.length <= chars ? line : `${line.slice(0, chars - 1)}…`;
}
