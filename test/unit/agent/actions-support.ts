/** Actions over ports that note what was asked of them, for their tests. */
import assert from 'node:assert/strict';
import {
  type ActionOptions,
  type ActionPolicy,
  createActions,
  type Hold,
  type Remembered,
} from '../../../src/agent/actions.ts';
import type {
  AgentEvent,
  ApprovalDecision,
  ApprovalRequest,
  CommandRequest,
  CommandRun,
  FileChange,
  TextFile,
} from '../../../src/agent/ports.ts';
import { MoebiusError } from '../../../src/base/errors.ts';

const POLICY: ActionPolicy = {
  mode: 'agent',
  askEverything: false,
  readOnly: false,
  autoApproveEdits: false,
  commandRules: [],
  shell: 'posix',
};

interface Setup {
  policy?: Partial<ActionPolicy>;
  decide?: (request: ApprovalRequest) => ApprovalDecision | Promise<ApprovalDecision>;
  files?: Record<string, string>;
  run?: Partial<CommandRun>;
  links?: string[];
  /** By folder; `two names`: of comparing files anywhere. */
  gitRisks?: Record<string, string>;
  onGitRisk?: (signal: AbortSignal | undefined) => void;
  hold?: Hold;
}

export function setup({
  policy = {},
  decide = () => ({ kind: 'once' }),
  files = {},
  run = {},
  links = [],
  gitRisks = {},
  onGitRisk,
  hold,
}: Setup = {}) {
  const seen = {
    asked: [] as ApprovalRequest[],
    applied: [] as FileChange[][],
    ran: [] as CommandRequest[],
    events: [] as AgentEvent[],
    remembered: [] as Remembered[],
  };
  const stop = new AbortController();
  const options: ActionOptions = {
    turnId: 't',
    policy: () => ({ ...POLICY, ...policy }),
    remember: what => seen.remembered.push(what),
    emit: event => seen.events.push(event),
    signal: stop.signal,
    ports: {
      workspace: {
        read: async (path): Promise<TextFile> => {
          const text = files[path];
          if (text === undefined) throw new MoebiusError('not-found', `${path} does not exist.`);
          return { path, text, version: `v:${text}` };
        },
        list: async () => [],
        find: async () => [],
        grep: async () => [],
        leadsAway: async path => links.includes(path),
        isIgnored: async () => false,
        gitRisk: async (folder, comparesFiles, signal) => {
          onGitRisk?.(signal);
          return gitRisks[folder] ?? (comparesFiles ? gitRisks['two names'] : null) ?? null;
        },
      },
      edits: {
        apply: async (changes, turnId) => {
          assert.equal(turnId, 't');
          seen.applied.push(changes);
          return changes.map(({ path, kind }) => ({ path, kind, addedLines: 1, removedLines: 0 }));
        },
      },
      terminal: {
        run: async request => {
          seen.ran.push(request);
          request.onOutput?.('live\n');
          return { id: 'c1', state: 'exited', exitCode: 0, output: 'out', ...run };
        },
        page: () => ({ state: 'exited', exitCode: 0, text: '', totalLines: 0 }),
        kill: async () => {},
      },
      approval: {
        ask: async request => {
          seen.asked.push(request);
          return decide(request);
        },
      },
    },
  };
  return { actions: createActions(options, hold), seen, stop };
}

export const edit = (path: string, before: string, after: string): FileChange => ({
  kind: 'edit',
  path,
  version: `v:${before}`,
  replacements: [{ start: 0, end: before.length, text: after }],
});
