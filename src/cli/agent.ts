/** `moebius agent`: a task for the agent, in a folder, for people and for scripts. */
import { createHash, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import type { AgentOptions, AgentOutcome, AgentProfile } from '../agent/agent.ts';
import type { AgentMode, AgentPorts, SyntaxPort, TerminalPort } from '../agent/ports.ts';
import { expandPrompt, readPromptFiles } from '../agent/prompt-files.ts';
import { folderRules, readRules } from '../agent/rules.ts';
import { profileFor, runAgent } from '../agent/run.ts';
import { cancelled, MoebiusError } from '../base/errors.ts';
import { FileFaults } from '../completion/syntax/file-faults.ts';
import { Grammars } from '../completion/syntax/grammars.ts';
import type { Engine } from '../engine/engine.ts';
import { openStore } from '../models/store.ts';
import { McpServers } from '../workspace/mcp.ts';
import { parseMcpConfig } from '../workspace/mcp-config.ts';
import { type NodePorts, openNodePorts } from '../workspace/node-ports.ts';
import { type Approvals, parseApprovals, permissionsOf } from './agent-approval.ts';
import { type Report, reporting, reportOf, stepPrinter } from './agent-report.ts';
import { undoLastRun } from './agent-undo.ts';
import { engineBackend } from './engine-backend.ts';
import { addEngineOptions, type EngineOptions, positiveInteger, withEngine } from './engine-session.ts';
import { levelOf } from './sampling-options.ts';
import { type Terminal, writeLine } from './terminal.ts';

export interface AgentCommandOptions extends EngineOptions {
  workspace: string;
  approve: Approvals;
  mode: AgentMode;
  profile: AgentProfile | 'auto';
  check?: string;
  maxTurns: number;
  maxMinutes: number;
  rules: boolean;
  mcp?: string;
  undo?: boolean;
  json?: boolean;
}

/** The one folder: paths have no name before them. */
const ROOTS = [''];
const MAX_OUTPUT_TOKENS = 100_000;
const CHECK_TIMEOUT_MS = 600_000;

export function agentCommand(terminal: Terminal): Command {
  return addEngineOptions(new Command('agent'))
    .description('give the agent a task in a folder: it reads, edits, runs commands, and checks')
    .argument('[task]', 'what to do; /name stands for .moebius/prompts/name.md, or the skill of that name')
    .option('-w, --workspace <folder>', 'where it works; nothing outside is touched', '.')
    .option(
      '--approve <what>',
      'allowed without asking: edits, commands:<list>, edits,commands:<list>, all or none; the list is comma separated',
      parseApprovals,
      parseApprovals('none'),
    )
    .addOption(
      new Option('--mode <mode>', 'plan: changes nothing; ask: answers')
        .choices(['agent', 'plan', 'ask'])
        .default('agent'),
    )
    .addOption(
      new Option('--profile <profile>', 'native: the model calls tools; guided: for models that can not')
        .choices(['auto', 'native', 'guided'])
        .default('auto'),
    )
    .option(
      '--check <command>',
      'how it is checked that the task is done, e.g. "npm test"; allowed with that',
    )
    .option('--max-turns <n>', 'answers of the model', positiveInteger, 30)
    .option('--max-minutes <n>', 'time in all, without what you take to answer', positiveInteger, 30)
    .option('--no-rules', "do not read AGENTS.md and .moebius of the folder: they are a stranger's")
    .option('--mcp <file>', 'MCP servers to start or reach, e.g. .moebius/mcp.json; each call is asked for')
    .option('--undo', 'instead of a task: take back what the last run changed in the folder')
    .option('--json', 'print a report as JSON')
    .addHelpText(
      'after',
      `
What is not allowed is asked for on a terminal, and denied without one. What it is to heed in every folder stands in AGENTS.md
beside the models (~/.moebius).
Exit code 0: done, and the check passes, if there is one.

Example:
  $ moebius agent "make the tests pass" --approve edits --check "npm test" --json
  $ moebius agent --undo`,
    )
    .action((task: string | undefined, options: AgentCommandOptions, command: Command) => {
      if ((task === undefined) !== (options.undo === true))
        command.error('error: give a task, or --undo to take back the last run');
      return reporting(terminal, options.json ?? false, report =>
        options.undo
          ? undo(terminal, options, report)
          : withEngine(terminal, options, engine => work(engine, terminal, task!, options, report)),
      );
    });
}

/** Loads no model. */
async function undo(terminal: Terminal, { workspace }: AgentCommandOptions, report: Report): Promise<void> {
  const folder = resolve(workspace);
  await undoLastRun(terminal, folder, await checkpointFolder(folder), report);
}

/** @throws MoebiusError after the report: `cancelled`, or `unfinished` when the task is not done or the check does not pass */
export async function work(
  engine: Pick<Engine, 'generate' | 'complete' | 'count' | 'info'>,
  terminal: Terminal,
  task: string,
  options: AgentCommandOptions,
  report: Report,
): Promise<void> {
  const started = performance.now();
  const folder = resolve(options.workspace);
  const mcp = options.mcp === undefined ? null : await openServers(options.mcp, folder);
  const nodePorts = await openNodePorts([folder], await checkpointFolder(folder));
  const ports = { ...nodePorts, syntax: syntaxOf(terminal), ...(mcp && { mcp }) };
  try {
    const model = engine.info();
    const profile = options.profile === 'auto' ? profileFor(model) : options.profile;
    const agentOptions = await optionsFor(engine, ports, terminal, task, { ...options, profile });
    const outcome = await runAgent(profile, agentOptions);
    const check = await lastCheck(options, outcome, ports.terminal, terminal.signal);
    const commands = [...outcome.commands, ...(check === null ? [] : [check])];
    const checkPassed = check === null ? outcome.checkPassed : check.exitCode === 0;
    const seconds = Math.round((performance.now() - started) / 1000);
    await report(reportOf({ ...outcome, commands }, { profile, model: model.id, seconds, checkPassed }));
    if (outcome.changed.length > 0 && terminal.stderr.isTTY)
      await writeLine(terminal.stderr, '(`moebius agent --undo` takes these changes back.)');
    if (terminal.signal.aborted) throw cancelled();
    const isDone = outcome.reason === 'done' || outcome.reason === 'answered';
    if (!isDone)
      throw new MoebiusError('unfinished', `The task is not done (${outcome.reason}): ${outcome.text}`);
    if (checkPassed === false)
      throw new MoebiusError('unfinished', `The check does not pass: ${options.check}`);
  } finally {
    await mcp?.dispose();
    ports.dispose();
  }
}

async function optionsFor(
  engine: Pick<Engine, 'generate' | 'complete' | 'count' | 'info'>,
  ports: NodePorts & Pick<AgentPorts, 'mcp' | 'syntax'>,
  terminal: Terminal,
  task: string,
  options: AgentCommandOptions & { profile: AgentProfile },
): Promise<AgentOptions> {
  const { approve, check = null, mode, profile, rules: isTrusted } = options;
  const commands = check === null ? approve.commands : [...approve.commands, check.trim()];
  const { approval, questions, ...permissions } = permissionsOf({ ...approve, commands }, mode, terminal);
  const prompts = await readPromptFiles(ports.workspace, isTrusted, ROOTS);
  const rules = await readRules(ports.workspace, {
    ...{ userRules: await userRules(), isTrusted, roots: ROOTS, openFile: null },
    canReadFiles: profile === 'native',
  });
  const emit = stepPrinter(terminal, options.json ?? false);
  if (rules.cut !== null) emit({ type: 'notice', text: rules.cut });
  return {
    task: expandPrompt(task, prompts) ?? task,
    mode,
    backend: engineBackend(engine),
    ports: { ...ports, approval, questions },
    ...permissions,
    budget: { turns: options.maxTurns, outputTokens: MAX_OUTPUT_TOKENS, timeMs: options.maxMinutes * 60_000 },
    // Less than was asked for where the model was trained with less.
    windowTokens: engine.info().contextTokens,
    turnId: randomUUID(),
    sequence: 'agent',
    ...levelOf(options),
    history: [],
    rules: rules.text,
    ...(isTrusted && { rulesFor: path => folderRules(ports.workspace, path) }),
    context: { openFile: null, attachments: [] },
    checkCommand: check,
    emit,
    signal: terminal.signal,
  };
}

/** Beside the models: what in the editor is the setting `moebius.agent.rules`. */
async function userRules(): Promise<string> {
  const file = join((await openStore()).home, 'AGENTS.md');
  return readFile(file, 'utf8').catch(error => {
    if (error.code === 'ENOENT') return '';
    throw new MoebiusError('bad-request', `Your rules can't be read: ${error.message}`, { cause: error });
  });
}

/** The check at the end, run once more; null where it just passed, or nothing may be run. */
async function lastCheck(
  { check: command, mode }: AgentCommandOptions,
  { checkPassed }: AgentOutcome,
  terminal: TerminalPort,
  signal: AbortSignal,
): Promise<AgentOutcome['commands'][number] | null> {
  if (command === undefined || mode !== 'agent' || checkPassed === true || signal.aborted) return null;
  const { exitCode } = await terminal.run({ command, cwd: '.', timeoutMs: CHECK_TIMEOUT_MS, signal });
  return { command, exitCode };
}

/** With the grammars that the build puts beside the bundles. */
function syntaxOf({ packageFolder, stderr }: Terminal): SyntaxPort {
  const grammars = new Grammars(
    file => readFile(join(packageFolder, 'dist', 'grammars', file)),
    error => stderr.write(`(No grammar, so syntax errors are overlooked: ${error.message})\n`),
  );
  return new FileFaults(grammars);
}

async function openServers(file: string, folder: string): Promise<McpServers> {
  const text = await readFile(file, 'utf8').catch(cause => {
    throw new MoebiusError('bad-request', `${file} can't be read: ${cause.message}`, { cause });
  });
  const { servers, problems } = parseMcpConfig(text, folder);
  if (problems.length > 0) throw new MoebiusError('bad-request', problems.join('\n'));
  return new McpServers(servers, folder);
}

/** One for each workspace, beside the models. */
export async function checkpointFolder(workspace: string): Promise<string> {
  const { home } = await openStore();
  return join(home, 'checkpoints', createHash('sha256').update(workspace).digest('hex').slice(0, 16));
}
