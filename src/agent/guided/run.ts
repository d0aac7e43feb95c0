/** The guided profile: for models that answer in prose when offered tools. The host does an agent's work around them. */
import { toMoebiusError } from '../../base/errors.ts';
import type { ChatMessage } from '../../protocol/daemon.ts';
import { createActions } from '../actions.ts';
import type { AgentOptions, AgentOutcome } from '../agent.ts';
import { answer } from './answer.ts';
import { Change, type Ending } from './change.ts';
import { Checks } from './checks.ts';
import { wantsAnswer } from './intent.ts';
import { GUIDED_SYSTEM_PROMPT } from './prompts.ts';
import { Workbench } from './workbench.ts';
import { Writer } from './writer.ts';

/** Of the window, at most this part is what was said in earlier tasks: the model is better at what it reads last. */
const HISTORY_SHARE = 0.3;

/** Never throws for what the model or the user can cause: the outcome says why it ended. */
export async function runGuided(options: AgentOptions): Promise<AgentOutcome> {
  const actions = createActions(options, 'task');
  let calls = 0;
  const callId = () => `${options.turnId}-${++calls}`;
  const writer = new Writer(options);
  const checks = new Checks(options, actions, callId);
  const workbench = new Workbench(options, actions, callId);
  const ending = await carryOut(options, writer, checks, workbench, callId).catch(failed);
  options.emit({ type: 'end', ...ending });
  const { turns, promptTokens, reusedTokens, outputTokens, history } = writer;
  const lastCheck = checks.commands.at(-1);
  return {
    ...ending,
    turns,
    promptTokens,
    reusedTokens,
    outputTokens,
    changed: workbench.changes(),
    commands: checks.commands,
    checkPassed: lastCheck ? lastCheck.exitCode === 0 : null,
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
  const opening = await openingOf(options);
  if (options.mode !== 'agent' || wantsAnswer(options.task))
    return answer(options, writer, opening, callId, path => workbench.best(path));
  return new Change(options, writer, checks, workbench, opening).run();
}

function failed(thrown: unknown): Ending {
  const { code, message } = toMoebiusError(thrown);
  if (code === 'cancelled') return { reason: 'stopped', text: '' };
  return { reason: code === 'refused' ? 'stopped' : 'error', text: message };
}

/** The conversation so far, or its start where that has become too long to be read again and again. */
async function openingOf({ history, backend, windowTokens, signal }: AgentOptions): Promise<ChatMessage[]> {
  const start: ChatMessage[] = [{ role: 'system', content: GUIDED_SYSTEM_PROMPT }];
  if (history.length === 0) return start;
  const { tokens } = await backend.count({ messages: history }, { signal });
  return tokens <= windowTokens * HISTORY_SHARE ? history : [history[0]!];
}
