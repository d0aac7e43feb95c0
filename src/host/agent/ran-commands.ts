/** Commands that answers of the agent ran and that may have changed files. No checkpoint has what they did. Pure. */
import { saysThatItRan } from '../../agent/actions.ts';
import { judgeCommand, type ShellKind } from '../../agent/commands/judge.ts';
import { shownData } from '../../agent/data-text.ts';
import type { AgentEvent } from '../../agent/ports.ts';
import { patchIn } from '../../agent/tools/patch-command.ts';
import { short } from '../../agent/tools/tool.ts';
import type { Answer } from '../../agent/transcript.ts';

/** Those that are named; of the rest how many. */
const MOST = 5;

/** For the user: each once, in the order in which they ran first. What is known to read only is left out. */
export function ranCommands(answers: readonly Pick<Answer, 'steps'>[], shell: ShellKind): string[] {
  const ran = answers.flatMap(({ steps }) =>
    steps.flatMap(step => {
      const command = step.type === 'call' ? commandOf(step) : null;
      return command !== null && hasRun(steps, (step as { callId: string }).callId) ? [command] : [];
    }),
  );
  const named = [...new Set(ran)]
    .filter(command => judgeCommand(command, shell).verdict !== 'free')
    .map(command => short(shownData(command)));
  return named.length <= MOST + 1 ? named : [...named.slice(0, MOST), `and ${named.length - MOST} more`];
}

/** null: it runs none. */
function commandOf({ call }: Extract<AgentEvent, { type: 'call' }>): string | null {
  if (call.kind !== 'call' || call.name !== 'run_command') return null;
  const { command } = call.arguments;
  return typeof command === 'string' && patchIn(command) === null ? command : null;
}

/** It was allowed, or ran unasked: then it has printed something, has come to an end, or was interrupted. */
function hasRun(steps: readonly AgentEvent[], callId: string): boolean {
  let isAsked = false;
  for (const step of steps) {
    if (step.type === 'approval' && step.request.callId === callId) isAsked = true;
    if (!('callId' in step) || step.callId !== callId) continue;
    if (step.type === 'decision') return step.decision.kind !== 'deny';
    if (step.type === 'output') return true;
    if (step.type === 'result') return saysThatItRan(step.summary);
  }
  return !isAsked;
}
