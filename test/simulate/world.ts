/** Plays a scenario: a temporary folder, the ports of the command line, the loop as it is; only the model and the user are scripted. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { AgentOptions } from '../../src/agent/agent.ts';
import type { CommandRule } from '../../src/agent/commands/rules.ts';
import type { AgentEvent, AgentMode, ApprovalRequest } from '../../src/agent/ports.ts';
import { runAgent } from '../../src/agent/run.ts';
import { cancelled } from '../../src/base/errors.ts';
import { openNodePorts } from '../../src/workspace/node-ports.ts';
import { promptsOf, scriptedModel } from '../support/scripted-model.ts';
import type { Scenario, ScenarioResult } from './scenario.ts';

/** @throws AssertionError if the scenario does not hold */
export const play = (scenario: Scenario): Promise<void> =>
  inFolder(scenario.files, async (folder, checkpoints) => {
    await scenario.prepare?.(folder);
    await scenario.holds(await perform(scenario, folder, checkpoints));
  });

/** A workspace with these files, and a folder for its checkpoints; both are gone afterwards. */
export async function inFolder<T>(
  files: Record<string, string>,
  use: (folder: string, checkpoints: string) => Promise<T>,
): Promise<T> {
  const parent = await mkdtemp(join(tmpdir(), 'moebius-simulate-'));
  try {
    const folder = join(parent, 'workspace');
    await writeAll(folder, files);
    return await use(folder, join(parent, 'checkpoints'));
  } finally {
    await rm(parent, { recursive: true, force: true });
  }
}

/** Everything is asked for that is not free; what is allowed for always is remembered. */
export function policyOf(mode: AgentMode): Pick<AgentOptions, 'policy' | 'remember'> {
  const commandRules: CommandRule[] = [];
  return {
    policy: () => ({
      mode,
      askEverything: false,
      readOnly: false,
      autoApproveEdits: false,
      commandRules,
      shell: 'posix',
    }),
    remember: what => void (what.kind === 'commands' && commandRules.push(...what.rules)),
  };
}

async function perform(scenario: Scenario, folder: string, checkpoints: string): Promise<ScenarioResult> {
  const { approve = () => ({ kind: 'once' }), stopAt = () => false, reply = null } = scenario;
  const backend = scriptedModel(scenario.model, scenario.fill);
  const stop = new AbortController();
  const events: AgentEvent[] = [];
  const asked: ApprovalRequest[] = [];
  const ran: string[] = [];
  const ports = await openNodePorts([folder], checkpoints);
  const { terminal } = ports;
  const spied = {
    ...ports,
    terminal: {
      run: (request: Parameters<typeof terminal.run>[0]) => {
        ran.push(request.command);
        return terminal.run(request);
      },
      page: terminal.page.bind(terminal),
      kill: terminal.kill.bind(terminal),
    },
    approval: {
      async ask(request: ApprovalRequest, signal: AbortSignal) {
        if (signal.aborted) throw cancelled();
        asked.push(request);
        return approve(request);
      },
    },
    diagnostics: { read: async () => scenario.diagnostics ?? [] },
    ...(scenario.mcp && { mcp: scenario.mcp }),
    questions: { ask: async () => reply },
  };
  const options: AgentOptions = {
    task: scenario.task,
    mode: 'agent',
    backend,
    ports: spied,
    budget: { turns: 20, outputTokens: 100_000, timeMs: 60_000 },
    windowTokens: 16_000,
    turnId: 'turn',
    sequence: 'simulate',
    history: [],
    rules: '',
    context: { openFile: null, attachments: [] },
    checkCommand: null,
    emit(event) {
      events.push(event);
      if (stopAt(event)) stop.abort();
    },
    signal: stop.signal,
    ...policyOf(scenario.options?.mode ?? 'agent'),
    ...scenario.options,
  };
  try {
    const before = await readAll(folder);
    const outcome = await runAgent(scenario.profile ?? 'native', options);
    const results = outcome.history.flatMap(message => (message.role === 'tool' ? [message.content] : []));
    const files = await readAll(folder);
    return { outcome, folder, before, files, events, results, prompts: promptsOf(backend), asked, ran };
  } finally {
    ports.dispose();
  }
}

export async function writeAll(folder: string, files: Record<string, string>): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

async function readAll(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name));
  const texts = await Promise.all(
    paths.map(async path => [relativeTo(folder, path), await readFile(path, 'utf8')]),
  );
  return Object.fromEntries(texts.sort(([a], [b]) => (a! < b! ? -1 : 1)));
}

const relativeTo = (folder: string, path: string): string =>
  path.slice(folder.length + 1).replaceAll('\\', '/');
