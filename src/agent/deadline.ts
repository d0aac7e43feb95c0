/** The time budget of a task as a signal, so that it also ends what is under way: a request, a command, a question. */
import type { AgentOptions } from './agent.ts';

/** A timer for longer would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** `timed`: the options with a signal that the end of the time aborts as well. `isTimeUp`: that did it, and not the user. */
export async function withDeadline<T>(
  options: AgentOptions,
  run: (timed: AgentOptions, isTimeUp: () => boolean) => Promise<T>,
): Promise<T> {
  const { budget, ports, signal } = options;
  const deadline = new AbortController();
  const timer = ports.clock.after(Math.min(budget.timeMs, MAX_TIMER_MS), () => {
    if (!signal.aborted) deadline.abort();
  });
  try {
    const either = AbortSignal.any([signal, deadline.signal]);
    return await run({ ...options, signal: either }, () => deadline.signal.aborted);
  } finally {
    timer.dispose();
  }
}
