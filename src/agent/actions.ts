/**
 * What the agent does to the world: edits and commands, each asked for where the rules say so and carried out exactly as it was
 * approved. Both profiles act through this, so that there is one place where an approval can be missing.
 */
import { cancelled, MoebiusError } from '../base/errors.ts';
import { visibleText } from '../base/visible-text.ts';
import type { ActionResult, Actions } from './agent.ts';
import { judgeCommand, type ShellKind } from './commands/judge.ts';
import { type CommandRule, describeRule, isAllowed, rulesFor } from './commands/rules.ts';
import { describeChanges } from './edits/describe.ts';
import { fingerprint } from './fingerprint.ts';
import { looksSecret, normalisePath } from './paths.ts';
import type {
  AgentEvent,
  AgentMode,
  AgentPorts,
  ApprovalDecision,
  ApprovalRequest,
  ChangedFile,
  CommandRun,
  FileChange,
} from './ports.ts';

/** What the user has allowed. Read anew for every action, so that a change counts at once. */
export interface ActionPolicy {
  mode: AgentMode;
  /** Also what would run by itself or is remembered. */
  askEverything: boolean;
  /** No edit and no command, whoever asks. */
  readOnly: boolean;
  /** Files that are not protected are changed without asking. */
  autoApproveEdits: boolean;
  /** Commands that were approved for always. */
  commandRules: readonly CommandRule[];
  shell: ShellKind;
}
/** What "always" adds to the policy. */
export type Remembered = { kind: 'edits' } | { kind: 'commands'; rules: CommandRule[] };

export interface ActionOptions {
  ports: Pick<AgentPorts, 'workspace' | 'edits' | 'terminal' | 'approval' | 'mcp'>;
  /** The checkpoint under which changes are kept. */
  turnId: string;
  policy(): ActionPolicy;
  remember(what: Remembered): void;
  emit(event: AgentEvent): void;
  signal: AbortSignal;
}

/**
 * How long the user's yes holds. `call`: for that call alone. `task`: until the task ends, for the same command in the same folder
 * and for the same files in whatever version, since a profile that tries versions would ask for each of them. Never for what is
 * dangerous or protected, nor while everything is to be asked.
 */
export type Hold = 'call' | 'task';

/** The first kind of change by path: what was created may be deleted again. */
type FirstKinds = Map<string, FileChange['kind']>;

/** What a yes that holds for the task covers. */
interface Granted {
  commands: Set<string>;
  files: FirstKinds;
}

/** Of a command's output, for the model: more costs its window in every later turn. The rest can be paged. */
const OUTPUT_CHARS = 8000;
const MAX_TIMEOUT_MS = 10 * 60_000;
const NEVER = new AbortController().signal;

export function createActions(options: ActionOptions, hold: Hold = 'call'): Actions {
  const granted: Granted | null = hold === 'task' ? { commands: new Set(), files: new Map() } : null;
  const made: FirstKinds = new Map();
  return {
    edit: (callId, changes) =>
      carryOut(options, callId, () => edit(options, granted, made, callId, structuredClone(changes))),
    takeBack: (callId, changes) =>
      carryOut({ ...options, signal: NEVER }, callId, () => takeBack(options, made, changes)),
    command: (callId, command, cwd, timeoutMs) =>
      carryOut(options, callId, () => run(options, granted, callId, { command, cwd, timeoutMs })),
    mcp: (callId, server, tool, args) =>
      carryOut(options, callId, () => callServer(options, callId, structuredClone({ server, tool, args }))),
  };
}

/** Failures that the model can act on become results; the end of the task does not. */
async function carryOut(
  { emit, signal }: ActionOptions,
  callId: string,
  act: () => Promise<ActionResult>,
): Promise<ActionResult> {
  if (signal.aborted) throw cancelled();
  let done: ActionResult;
  try {
    done = await act();
  } catch (error) {
    if (signal.aborted || !(error instanceof MoebiusError) || error.code === 'cancelled') throw error;
    done = failure(error.message);
  }
  const { ok, text, summary, changes } = done;
  emit({ type: 'result', callId, ok, text, summary, changes });
  return done;
}

const failure = (text: string, summary = text.split('\n')[0]!): ActionResult => ({
  ok: false,
  text,
  summary,
  changes: [],
  exitCode: null,
  runningId: null,
});

/** Why nothing may be done at all, for the user; null: it may, with approval. */
export function whyOff({ mode, readOnly }: ActionPolicy): string | null {
  if (readOnly) return 'The agent is read-only.';
  return mode === 'agent' ? null : `The agent is in ${mode} mode.`;
}

function refusal(policy: ActionPolicy, what: string): ActionResult | null {
  const off = whyOff(policy);
  if (off === null) return null;
  const why = policy.readOnly
    ? `${what} are off: the user made the agent read-only. Say what you would do.`
    : `${what} are off in ${policy.mode} mode. Say what you would do, and the user can switch to agent mode.`;
  return failure(why, off);
}

async function edit(
  options: ActionOptions,
  granted: Granted | null,
  made: FirstKinds,
  callId: string,
  changes: FileChange[],
): Promise<ActionResult> {
  const { ports, signal } = options;
  const policy = options.policy();
  const refused = refusal(policy, 'Edits');
  if (refused) return refused;
  if (!changes.length) return failure('There is nothing to change.');
  const described = await describeChanges(changes, path => ports.workspace.read(path, signal));
  const mark = await fingerprint(changes);
  const canBeFree = !policy.askEverything && !described.warning;
  const isFree = canBeFree && (policy.autoApproveEdits || (granted && covers(granted.files, changes)));
  if (!isFree) {
    const grants = canBeFree ? granted : null;
    const decision = await ask(options, {
      callId,
      capability: described.isProtected ? 'edit-protected' : 'edit',
      title: grants ? `${described.title}, in as many versions as the task needs` : described.title,
      detail: described.diff,
      warning: described.warning,
      fingerprint: mark,
      // While everything is asked for, "always" would end just that.
      remember: canBeFree ? 'all edits of files that are not protected' : null,
    });
    if (decision.kind === 'deny') return denied(decision.reason, 'edit');
    if (decision.kind === 'always' && canBeFree) options.remember({ kind: 'edits' });
    if (grants) note(grants.files, changes);
  }
  await checkUnchanged(changes, mark);
  const done = await apply(options, changes);
  note(made, changes);
  return done;
}

async function takeBack(
  options: ActionOptions,
  made: FirstKinds,
  changes: FileChange[],
): Promise<ActionResult> {
  if (!covers(made, changes)) return failure('Only what this task changed can be taken back.');
  return apply(options, changes);
}

async function apply({ ports, turnId }: ActionOptions, changes: FileChange[]): Promise<ActionResult> {
  const changed = await ports.edits.apply(changes, turnId);
  const lines = changed.map(describeChanged);
  return {
    ok: true,
    text: lines.join('\n'),
    summary: lines.join(', '),
    changes: changed,
    exitCode: null,
    runningId: null,
  };
}

function note(kinds: FirstKinds, changes: readonly FileChange[]): void {
  for (const { path, kind } of changes) {
    const name = normalisePath(path);
    if (!kinds.has(name)) kinds.set(name, kind);
  }
}

const covers = (kinds: FirstKinds, changes: readonly FileChange[]): boolean =>
  changes.every(({ path, kind }) => {
    const first = kinds.get(normalisePath(path));
    return kind === 'delete' ? first === 'create' : first !== undefined;
  });

const VERBS = { edit: 'Edited', create: 'Created', delete: 'Deleted' } as const;
const describeChanged = ({ kind, path, addedLines, removedLines }: ChangedFile): string =>
  `${VERBS[kind]} ${path} (+${addedLines} -${removedLines})`;

interface CommandArguments {
  command: string;
  cwd: string;
  timeoutMs: number;
}

async function run(
  options: ActionOptions,
  granted: Granted | null,
  callId: string,
  asked: CommandArguments,
): Promise<ActionResult> {
  const { ports, emit, signal } = options;
  const policy = options.policy();
  const refused = refusal(policy, 'Commands');
  if (refused) return refused;
  if (!asked.command.trim()) return failure('The command is empty.');
  const args = {
    ...asked,
    cwd: normalisePath(asked.cwd),
    timeoutMs: Math.min(asked.timeoutMs, MAX_TIMEOUT_MS),
  };
  const mark = await fingerprint(args);
  const question = await questionFor(options, policy, args);
  const grants = question?.warning || policy.askEverything ? null : granted;
  const grant = JSON.stringify([args.cwd, args.command]);
  if (question && !grants?.commands.has(grant)) {
    const where = args.cwd ? `Run a command in ${args.cwd}` : 'Run a command';
    const rules = policy.askEverything ? null : rulesFor(args.command, args.cwd, policy.shell);
    const remember = rules?.length ? rules.map(describeRule).join(' and ') : null;
    const decision = await ask(options, {
      callId,
      capability: 'command',
      title: grants ? `${where}, as often as the task needs it` : where,
      // No `\r` of a command is a line end.
      detail: visibleText(args.command).replaceAll('\r', '<U+000D>'),
      command: args.command,
      warning: question.warning,
      fingerprint: mark,
      remember,
    });
    if (decision.kind === 'deny') return denied(decision.reason, 'command');
    if (decision.kind === 'always' && rules?.length) options.remember({ kind: 'commands', rules });
    grants?.commands.add(grant);
  }
  await checkUnchanged(args, mark);
  const result = await ports.terminal.run({
    ...args,
    signal,
    onOutput: text => emit({ type: 'output', callId, text }),
  });
  if (signal.aborted) throw cancelled();
  return described(result, args);
}

/** null: it may run unasked. */
async function questionFor(
  { ports, signal }: ActionOptions,
  policy: ActionPolicy,
  { command, cwd }: CommandArguments,
): Promise<{ warning: string | null } | null> {
  const { verdict, warning, paths, printed, gitFolders, comparesFiles } = judgeCommand(command, policy.shell);
  if (verdict === 'danger') return { warning: `Dangerous: ${warning}` };
  if (policy.askEverything) return { warning };
  if (verdict === 'ask' && !isAllowed(command, cwd, policy.commandRules, policy.shell)) return { warning };
  const secret = printed.find(path => looksSecret(joined(cwd, path)));
  if (secret !== undefined) return { warning: `reads ${secret}, which may hold secrets` };
  // What only reads is free inside, also beside what was allowed; a link may lead out, which only the port can see.
  for (const path of paths) {
    if (await ports.workspace.leadsAway(cwd ? `${cwd}/${path}` : path))
      return { warning: `${path} leads out of the workspace, or to a file that may hold secrets` };
  }
  for (const folder of gitFolders) {
    const risk = await ports.workspace.gitRisk(cwd ? `${cwd}/${folder}` : folder, comparesFiles, signal);
    if (risk) return { warning: risk };
  }
  return null;
}

/** A folder may be what makes it a secret: `cd .aws && cat config`. */
const joined = (folder: string, path: string): string =>
  `${folder}/${path}`
    .split('/')
    .filter(part => part !== '' && part !== '.')
    .join('/');

/** What a server does with a call nobody sees, so each is asked for, and none is remembered. */
async function callServer(
  options: ActionOptions,
  callId: string,
  asked: { server: string; tool: string; args: Record<string, unknown> },
): Promise<ActionResult> {
  const { ports, signal } = options;
  const refused = refusal(options.policy(), 'Tools of MCP servers');
  if (refused) return refused;
  if (!ports.mcp) return failure('There are no MCP servers.');
  const { server, tool, args } = asked;
  const mark = await fingerprint(asked);
  const decision = await ask(options, {
    callId,
    capability: 'mcp',
    title: `Use ${tool} of the MCP server ${server}`,
    detail: JSON.stringify(args, null, 2),
    warning: null,
    fingerprint: mark,
    remember: null,
  });
  if (decision.kind === 'deny') return denied(decision.reason, 'call');
  await checkUnchanged(asked, mark);
  const { ok, text } = await ports.mcp.call(server, tool, args, signal);
  return {
    ok,
    text: text.trim() || '(no text)',
    summary: ok ? 'Answered' : 'The server reports an error',
    changes: [],
    exitCode: null,
    runningId: null,
  };
}

function described(
  { id, state, exitCode, output }: CommandRun,
  { timeoutMs }: CommandArguments,
): ActionResult {
  const seconds = Math.round(timeoutMs / 1000);
  const isUnended = state === 'running' && exitCode === null;
  const ended: Record<CommandRun['state'], string> = {
    exited: `Exit code ${exitCode ?? 'unknown'}`,
    killed: 'Stopped before it ended',
    running: isUnended
      ? `Still running in the background as ${id} after ${seconds} s`
      : `Exit code ${exitCode}; what it started goes on in the background as ${id}`,
  };
  const text = output.trim() ? shortened(output, id) : '(no output)';
  return {
    ok: isUnended || exitCode === 0,
    text: `${ended[state]}.\n${text}`,
    summary: ended[state],
    changes: [],
    exitCode,
    runningId: isUnended ? id : null,
  };
}

/** Whether this is the summary of a command that ran, whatever came of it, and not of one that was refused. */
export const saysThatItRan = (summary: string): boolean =>
  /^(?:Exit code|Stopped before it ended|Still running)\b/.test(summary);

/** The beginning and the end: the end has the failure, the beginning what it belongs to. */
function shortened(output: string, id: string): string {
  if (output.length <= OUTPUT_CHARS) return output;
  const lines = output.split('\n');
  const head = takeLines(lines, OUTPUT_CHARS / 4);
  const tail = takeLines(lines.slice(head.length).reverse(), (OUTPUT_CHARS * 3) / 4).reverse();
  const last = lines.length - tail.length;
  return [
    ...head,
    `[lines ${head.length} to ${last - 1} of ${lines.length} left out; page them with the id ${id}]`,
    ...tail,
  ].join('\n');
}

function takeLines(lines: readonly string[], chars: number): string[] {
  const taken: string[] = [];
  let left = chars;
  for (const line of lines) {
    if (line.length > left) break;
    taken.push(line);
    left -= line.length + 1;
  }
  return taken;
}

/** Nothing that is asked for may be there unseen. */
async function ask(
  { ports, emit, signal }: ActionOptions,
  { title, detail, warning, remember, ...rest }: ApprovalRequest,
): Promise<ApprovalDecision> {
  const request: ApprovalRequest = {
    ...rest,
    title: visibleText(title),
    detail: visibleText(detail),
    warning: warning && visibleText(warning),
    remember: remember && visibleText(remember),
  };
  emit({ type: 'approval', request });
  const decision = await ports.approval.ask(request, signal);
  if (signal.aborted) throw cancelled();
  emit({ type: 'decision', callId: request.callId, decision });
  return decision;
}

function denied(reason: string | null, what: string): ActionResult {
  const why = reason
    ? ` The user says: ${reason}`
    : ' Do not try it again in another way; ask what they want.';
  return { ...failure(`The user did not allow this ${what}.${why}`, 'Not allowed'), denial: { reason } };
}

/** What is carried out is what was shown, whatever happened while the user decided. */
async function checkUnchanged(value: unknown, mark: string): Promise<void> {
  if ((await fingerprint(value)) === mark) return;
  throw new MoebiusError('refused', 'The arguments changed after they were approved. Nothing was done.');
}
