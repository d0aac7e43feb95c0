/** The guided profile: for models that answer in prose when offered tools. The host does an agent's work around them. */
import { toMoebiusError } from '../../base/errors.ts';
import type { ChatMessage } from '../../protocol/daemon.ts';
import { createActions, whyOff } from '../actions.ts';
import type { AgentOptions, AgentOutcome } from '../agent.ts';
import { checkName } from '../check-command.ts';
import { withDeadline } from '../deadline.ts';
import { toldTask } from '../told.ts';
import { answer } from './answer.ts';
import { Change, type Ending } from './change.ts';
import { Checks } from './checks.ts';
import { checkTold, type Errand, errandOf } from './errands.ts';
import { workspacePaths } from './gather.ts';
import { wantsAnswer } from './intent.ts';
import { GUIDED_SYSTEM_PROMPT } from './prompts.ts';
import { Workbench } from './workbench.ts';
import { Writer } from './writer.ts';

/** Of the window, at most this part is what was said in earlier tasks: the model is better at what it reads last. */
const HISTORY_SHARE = 0.3;

const NO_SERVERS =
  'This model is led by Moebius and calls no tools, so the MCP servers that you have configured are not used. ' +
  'To use them, choose a larger model, or the native profile in the setting "moebius.agent.profile".';

/** Never throws for what the model or the user can cause: the outcome says why it ended. */
export const runGuided = (options: AgentOptions): Promise<AgentOutcome> => withDeadline(options, run);

async function run(options: AgentOptions, isTimeUp: () => boolean): Promise<AgentOutcome> {
  const { emit, ports, history: before } = options;
  const actions = createActions(options, 'task');
  let calls = 0;
  const callId = () => `${options.turnId}-${++calls}`;
  const writer = new Writer(options);
  const checks = new Checks(options, actions, callId);
  const workbench = new Workbench(options, actions, callId);
  if (ports.mcp && !isOwn(before)) emit({ type: 'notice', text: NO_SERVERS });
  let ending: Ending & Pick<AgentOutcome, 'errorCode'>;
  try {
    ending = await carryOut(options, writer, checks, workbench, callId);
  } catch (thrown) {
    ending = interrupted(thrown, options.signal, isTimeUp);
    await workbench.restore();
    if (workbench.versions > 0) emit({ type: 'notice', text: workbench.left() });
  }
  emit({ type: 'end', reason: ending.reason, text: ending.text });
  const { turns, promptTokens, reusedTokens, outputTokens, history } = writer;
  return {
    ...ending,
    turns,
    promptTokens,
    reusedTokens,
    outputTokens,
    changed: workbench.changes(),
    commands: checks.commands,
    checkPassed: checks.passed,
    history,
  };
}

async function carryOut(
  options: AgentOptions,
  writer: Writer,
  checks: Checks,
  workbench: Workbench,
  callId: () => string,
): Promise<Ending> {
  if (options.mode === 'agent') await takeBackTorn(options);
  const opening = await openingOf(options);
  const errand = options.mode === 'agent' ? errandOf(options) : null;
  const read = (path: string) => workbench.best(path);
  // In ask mode nothing is looked up.
  if (errand?.kind === 'talk') return answer({ ...options, mode: 'ask' }, writer, opening, callId, read);
  if (options.mode !== 'agent' || (!errand && wantsAnswer(options.task)))
    return answer(options, writer, opening, callId, read);
  const ending = await withoutModel(errand, options, checks);
  if (!ending) return new Change(options, writer, checks, workbench, opening).run();
  // It may be asked about it next.
  writer.record([...opening, { role: 'user', content: toldTask(options) }], ending.text);
  return ending;
}

/** What is answered without the model; null: a change that may be made. */
async function withoutModel(
  errand: Errand | null,
  options: AgentOptions,
  checks: Checks,
): Promise<Ending | null> {
  if (errand?.kind === 'told') return { reason: 'unfinished', text: errand.text };
  const off = whyOff(options.policy());
  if (off !== null) return { reason: 'unfinished', text: `${off} Nothing was done.` };
  if (errand?.kind !== 'check') return null;
  const report = await checks.run(errand.command, await workspacePaths(options));
  if (typeof report === 'string') return { reason: 'unfinished', text: report };
  return { reason: 'done', text: checkTold(checkName(options), report) };
}

function interrupted(
  thrown: unknown,
  signal: AbortSignal,
  isTimeUp: () => boolean,
): Ending & Pick<AgentOutcome, 'errorCode'> {
  if (isTimeUp())
    return { reason: 'limit', text: 'The budget of time is used up. The work can be continued.' };
  const { code, message } = toMoebiusError(thrown);
  if (signal.aborted || code === 'cancelled') return { reason: 'stopped', text: '' };
  return { reason: 'error', text: message, errorCode: code };
}

/** The last version that was tried would be taken for the code as it was. What another profile has changed was meant to stay. */
async function takeBackTorn({ takeBackTorn, history, emit }: AgentOptions): Promise<void> {
  const paths = await takeBackTorn?.(history.length === 0 || isOwn(history));
  if (!paths?.length) return;
  const text = `The task was interrupted, so it begins anew: ${paths.join(', ')} ${paths.length === 1 ? 'is' : 'are'} put back to before it.`;
  emit({ type: 'notice', text });
}

/** Begun by this profile, as it is now. */
const isOwn = ([system]: readonly ChatMessage[]): boolean => system?.content === GUIDED_SYSTEM_PROMPT;

/**
 * The conversation so far, or nothing of it where it has become too long to be read again and again. One that another profile, or
 * another version, began goes on under this system prompt: told to use tools that it does not have, the model writes calls for code.
 */
async function openingOf({
  history,
  backend,
  windowTokens,
  signal,
  emit,
}: AgentOptions): Promise<ChatMessage[]> {
  const system: ChatMessage = { role: 'system', content: GUIDED_SYSTEM_PROMPT };
  const messages = isOwn(history) ? history : [system, ...history.slice(1)];
  if (messages.length === 1) return messages;
  const { tokens } = await backend.count({ messages }, { signal });
  const room = Math.floor(windowTokens * HISTORY_SHARE);
  if (tokens <= room) return messages;
  const [has, fits] = [tokens, room].map(count => count.toLocaleString('en'));
  emit({
    type: 'notice',
    text:
      `The earlier conversation was left out, because it has ${has} tokens and a model that is led has room for ${fits} of it. ` +
      'If something in it matters now, say it again.',
  });
  return [system];
}
