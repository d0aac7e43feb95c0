/** A workspace in memory and a task in it, for tests of the loop. */

import type { ActionResult, Actions, AgentOptions, AgentOutcome } from '../../../src/agent/agent.ts';
import { applyReplacements } from '../../../src/agent/edits/lines.ts';
import { runNative } from '../../../src/agent/native.ts';
import type { AgentEvent, AgentPorts, FileChange } from '../../../src/agent/ports.ts';
import type { ScriptedBackend } from '../../../src/backends/scripted.ts';
import { MoebiusError } from '../../../src/base/errors.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { type Model, type ModelAnswer, scriptedModel } from '../../support/scripted-model.ts';

export interface Bench {
  files: Map<string, string>;
  /** What was carried out, in order: `edit a.txt`, `run npm test`. */
  actions: string[];
  events: AgentEvent[];
  options: AgentOptions;
  backend: ScriptedBackend;
  run(): Promise<AgentOutcome>;
}

/** `commands`: exit code and output by command; others are not found. */
export function bench(
  model: Model | ModelAnswer[],
  files: Record<string, string> = {},
  options: Partial<AgentOptions> = {},
  commands: Record<string, [code: number, output: string]> = {},
): Bench {
  const stored = new Map(Object.entries(files));
  const actions: string[] = [];
  const events: AgentEvent[] = [];
  const backend = scriptedModel(model);
  const all: AgentOptions = {
    task: 'the task',
    mode: 'agent',
    backend,
    ports: memoryPorts(stored),
    policy: () => {
      throw new Error('not used');
    },
    remember: () => {},
    budget: { turns: 20, outputTokens: 10_000, timeMs: 60_000 },
    windowTokens: 8000,
    turnId: 't',
    sequence: 'chat',
    history: [],
    rules: '',
    context: { openFile: null, attachments: [] },
    checkCommand: null,
    emit: event => void events.push(event),
    signal: new AbortController().signal,
    ...options,
  };
  const hands = memoryActions(stored, actions, commands, all);
  return { files: stored, actions, events, options: all, backend, run: () => runNative(all, () => hands) };
}

const versionOf = (text: string): string => `v${text.length}:${text}`;

function memoryPorts(files: Map<string, string>): AgentPorts {
  return {
    workspace: {
      async read(path) {
        const text = files.get(path);
        if (text === undefined) throw new MoebiusError('not-found', `There is no file ${path}.`);
        return { path, text, version: versionOf(text) };
      },
      list: async () => [...files.keys()].sort().map(path => ({ path, kind: 'file' as const, sizeBytes: 1 })),
      find: async (glob, limit) => {
        const end = glob.split('*').at(-1)!;
        return [...files.keys()].filter(path => path.endsWith(end)).slice(0, limit);
      },
      async grep({ pattern, isRegExp, limit }) {
        const test = isRegExp
          ? (line: string) => new RegExp(pattern).test(line)
          : (line: string) => line.includes(pattern);
        const hits = [...files].flatMap(([path, text]) =>
          text
            .split('\n')
            .flatMap((line, index) => (test(line) ? [{ path, line: index + 1, text: line }] : [])),
        );
        return hits.slice(0, limit);
      },
      leadsAway: async () => false,
      isIgnored: async () => false,
      gitRisk: async () => null,
    },
    edits: { apply: () => Promise.reject(new Error('not used')) },
    terminal: {
      run: () => Promise.reject(new Error('not used')),
      page: (_, fromLine, count) => {
        const all = Array.from({ length: 50 }, (_, i) => `out ${i + 1}`);
        const text = all.slice(fromLine, fromLine + count).join('\n');
        return { state: 'exited', exitCode: 0, text, totalLines: all.length };
      },
      kill: async () => {},
    },
    diagnostics: {
      read: async () => [
        { path: 'a.ts', line: 3, column: 5, severity: 'error', message: 'x is not defined', source: 'ts' },
      ],
    },
    approval: { ask: () => Promise.reject(new Error('not used')) },
    questions: { ask: async question => (question === 'no answer?' ? null : 'blue') },
    clock: new FakeClock(),
  };
}

/** Carries out everything, and tells it as the real ones do. */
function memoryActions(
  files: Map<string, string>,
  actions: string[],
  commands: Record<string, [number, string]>,
  { emit }: AgentOptions,
): Actions {
  const tell = (callId: string, result: ActionResult): ActionResult => {
    const { ok, text, summary, changes } = result;
    emit({ type: 'result', callId, ok, text, summary, changes });
    return result;
  };
  return {
    async edit(callId, changes) {
      const changed = changes.map(change => applyChange(files, change));
      actions.push(...changed.map(({ kind, path }) => `${kind} ${path}`));
      const rest = { summary: 'x', exitCode: null, runningId: null };
      return tell(callId, { ok: true, text: 'Changed.', changes: changed, ...rest });
    },
    takeBack: () => Promise.reject(new Error('not used')),
    mcp: () => Promise.reject(new Error('not used')),
    async command(callId, command) {
      actions.push(`run ${command}`);
      const [exitCode, text] = commands[command] ?? [127, 'not found'];
      return tell(callId, { ok: exitCode === 0, text, summary: 'x', changes: [], exitCode, runningId: null });
    },
  };
}

function applyChange(files: Map<string, string>, change: FileChange) {
  if (change.kind === 'create') files.set(change.path, change.text);
  else if (change.kind === 'delete') files.delete(change.path);
  else files.set(change.path, applyReplacements(files.get(change.path)!, change.replacements));
  return { path: change.path, kind: change.kind, addedLines: 1, removedLines: 1 };
}

/** The results that the model has read, in order. */
export const resultsOf = ({ history }: AgentOutcome): string[] =>
  history.flatMap(message => (message.role === 'tool' ? [message.content] : []));
