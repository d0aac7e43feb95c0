/** A workspace in memory behind the agent's ports, for tests and evaluations: what checks it is handed in. */

import type { AgentOptions } from '../../src/agent/agent.ts';
import { applyReplacements } from '../../src/agent/edits/lines.ts';
import type {
  AgentPorts,
  ChangedFile,
  Diagnostic,
  FileChange,
  SymbolsPort,
  SyntaxPort,
} from '../../src/agent/ports.ts';
import { type Clock, monotonicClock } from '../../src/base/clock.ts';
import { cancelled, MoebiusError } from '../../src/base/errors.ts';

/** Nothing is asked. */
export const ALLOW_ALL: Pick<AgentOptions, 'policy' | 'remember'> = {
  policy: () => ({
    mode: 'agent',
    askEverything: false,
    readOnly: false,
    autoApproveEdits: true,
    commandRules: [],
    shell: 'posix',
  }),
  remember: () => {},
};

/** Path -> text. */
export type Files = Map<string, string>;
export interface World {
  diagnose?(files: Files): Diagnostic[] | Promise<Diagnostic[]>;
  run?(command: string, files: Files): Promise<{ output: string; exitCode: number | null }>;
  clock?: Clock;
  symbols?: SymbolsPort;
  syntax?: SyntaxPort;
}

export function memoryPorts(
  files: Files,
  { diagnose, run, clock = monotonicClock, symbols, syntax }: World = {},
): AgentPorts {
  let commands = 0;
  const textOf = (path: string): string => {
    const text = files.get(path);
    if (text === undefined) throw new MoebiusError('not-found', `There is no file ${path}.`);
    return text;
  };
  const never = (): never => {
    throw new MoebiusError('unsupported', 'Nobody is there to be asked.');
  };
  return {
    workspace: {
      read: async (path, signal) => {
        if (signal?.aborted) throw cancelled();
        return { path, text: textOf(path), version: textOf(path) };
      },
      list: async () => [...files].map(([path, text]) => ({ path, kind: 'file', sizeBytes: text.length })),
      find: async (_glob, limit) => [...files.keys()].sort().slice(0, limit),
      grep: async ({ pattern, limit }) =>
        [...files]
          .flatMap(([path, text]) =>
            text.split('\n').map((line, index) => ({ path, line: index + 1, text: line })),
          )
          .filter(hit => hit.text.includes(pattern))
          .slice(0, limit),
      leadsAway: async () => false,
      isIgnored: async () => false,
      gitRisk: async () => null,
    },
    edits: {
      async apply(changes) {
        const after = changes.map(change => [change, textAfter(change)] as const);
        return after.map(([change, text]): ChangedFile => {
          if (text === null) files.delete(change.path);
          else files.set(change.path, text);
          return { path: change.path, kind: change.kind, addedLines: 0, removedLines: 0 };
        });
      },
    },
    terminal: {
      async run({ command }) {
        if (!run) return never();
        return { id: `${++commands}`, state: 'exited', ...(await run(command, files)) };
      },
      page: never,
      kill: async () => {},
    },
    diagnostics: {
      read: async paths =>
        ((await diagnose?.(files)) ?? []).filter(({ path }) => paths === null || paths.includes(path)),
    },
    approval: { ask: async () => ({ kind: 'once' }) },
    questions: { ask: async () => null },
    ...(symbols && { symbols }),
    ...(syntax && { syntax }),
    clock,
  };

  function textAfter(change: FileChange): string | null {
    if (change.kind === 'create') return change.text;
    const text = textOf(change.path);
    if (change.version !== text) throw new MoebiusError('stale', `${change.path} has changed meanwhile.`);
    if (change.kind === 'delete') return null;
    return applyReplacements(text, change.replacements);
  }
}
