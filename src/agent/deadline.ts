/** The time budget of a task as a signal, so that it also ends what is under way: a request, a command. */
import type { Clock } from '../base/clock.ts';
import type { Disposable } from '../base/disposable.ts';
import type { AgentOptions } from './agent.ts';
import type { AgentPorts } from './ports.ts';

/** A timer for longer would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** `timed`: the options with a signal that the end of the time aborts as well. `isTimeUp`: that did it, and not the user. */
export async function withDeadline<T>(
  options: AgentOptions,
  run: (timed: AgentOptions, isTimeUp: () => boolean) => Promise<T>,
): Promise<T> {
  const { budget, ports, signal, takeBackTorn } = options;
  const deadline = new AbortController();
  const countdown = new Countdown(ports.clock, budget.timeMs, () => {
    if (!signal.aborted) deadline.abort();
  });
  try {
    const either = AbortSignal.any([signal, deadline.signal]);
    const timed = { ...options, ports: { ...ports, ...pausing(ports, countdown) }, signal: either };
    // It asks about what was changed since.
    if (takeBackTorn) timed.takeBackTorn = isOwn => countdown.pauseFor(() => takeBackTorn(isOwn));
    return await run(timed, () => deadline.signal.aborted);
  } finally {
    countdown.dispose();
  }
}

/** Who comes back from lunch finds the question that was left open. MCP servers are asked for before their first start. */
function pausing(
  { approval, questions, mcp }: AgentPorts,
  countdown: Countdown,
): Pick<AgentPorts, 'approval' | 'questions' | 'mcp'> {
  return {
    approval: { ask: (request, signal) => countdown.pauseFor(() => approval.ask(request, signal)) },
    questions: {
      ask: (question, choices, signal) => countdown.pauseFor(() => questions.ask(question, choices, signal)),
    },
    ...(mcp && {
      mcp: {
        list: signal => countdown.pauseFor(() => mcp.list(signal)),
        call: (...given) => mcp.call(...given),
      },
    }),
  };
}

/** A timer that stands still while something else is waited for. */
class Countdown implements Disposable {
  readonly #clock: Clock;
  readonly #onEnd: () => void;
  #leftMs: number;
  #startedAt = 0;
  #timer: Disposable | null = null;
  #pauses = 0;
  #isDisposed = false;

  constructor(clock: Clock, ms: number, onEnd: () => void) {
    this.#clock = clock;
    this.#onEnd = onEnd;
    this.#leftMs = ms;
    this.#start();
  }

  async pauseFor<T>(wait: () => Promise<T>): Promise<T> {
    if (this.#pauses++ === 0) this.#stop();
    try {
      return await wait();
    } finally {
      if (--this.#pauses === 0 && !this.#isDisposed) this.#start();
    }
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#timer?.dispose();
  }

  #start(): void {
    this.#startedAt = this.#clock.now();
    this.#timer = this.#clock.after(Math.min(this.#leftMs, MAX_TIMER_MS), this.#onEnd);
  }

  #stop(): void {
    this.#timer?.dispose();
    this.#leftMs = Math.max(0, this.#leftMs - (this.#clock.now() - this.#startedAt));
  }
}
