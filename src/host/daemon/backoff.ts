/**
 * When to start a crashed daemon again, and when to give up: pure arithmetic over the history of crashes.
 * Times are monotonic milliseconds.
 */

const DELAYS_MS = [200, 500, 1000, 2000, 5000, 10_000, 30_000];
/** Delays vary by this share, so that several windows do not restart in step. */
const JITTER = 0.2;
const HEALTHY_AFTER_MS = 60_000;
const MAX_CRASHES = 5;
const CRASH_WINDOW_MS = 180_000;
const MAX_DEATHS_WITH_MODEL = 2;

export interface History {
  /** Restarts since the daemon was last healthy. */
  attempt: number;
  crashTimes: readonly number[];
  readySinceMs: number | null;
  /** A request was answered since it became ready. */
  hasAnswered: boolean;
  /** How often the daemon died while this model, named with its settings, was loading or at work. */
  deathsByModel: Readonly<Record<string, number>>;
}

export const NO_HISTORY: History = {
  attempt: 0,
  crashTimes: [],
  readySinceMs: null,
  hasAnswered: false,
  deathsByModel: {},
};

export interface Crash {
  atMs: number;
  /** The model that was being loaded or was at work; null when none was. */
  modelAtWork: string | null;
}

export type Verdict =
  | { kind: 'retry'; attempt: number; delayMs: number }
  /** Too many crashes: wait for the user. */
  | { kind: 'give-up'; crashes: number };

export const afterReady = (history: History, atMs: number): History => ({
  ...history,
  readySinceMs: atMs,
  hasAnswered: false,
});

export const afterAnswer = (history: History): History => ({ ...history, hasAnswered: true });

/** `random` in [0, 1). */
export function afterCrash(
  before: History,
  crash: Crash,
  random: number,
): { history: History; verdict: Verdict } {
  const { readySinceMs, hasAnswered } = before;
  const wasHealthy = readySinceMs !== null && hasAnswered && crash.atMs - readySinceMs >= HEALTHY_AFTER_MS;
  const { attempt, deathsByModel } = wasHealthy ? NO_HISTORY : before;
  const crashTimes = [...before.crashTimes, crash.atMs].filter(atMs => crash.atMs - atMs < CRASH_WINDOW_MS);
  const { modelAtWork: model } = crash;
  const history: History = {
    attempt: attempt + 1,
    crashTimes,
    readySinceMs: null,
    hasAnswered: false,
    deathsByModel:
      model === null ? deathsByModel : { ...deathsByModel, [model]: (deathsByModel[model] ?? 0) + 1 },
  };
  if (crashTimes.length >= MAX_CRASHES)
    return { history, verdict: { kind: 'give-up', crashes: crashTimes.length } };
  const delay = DELAYS_MS[Math.min(attempt, DELAYS_MS.length - 1)]!;
  const delayMs = Math.round(delay * (1 + JITTER * (2 * random - 1)));
  return { history, verdict: { kind: 'retry', attempt: attempt + 1, delayMs } };
}

/** Two deaths at the hands of one model: it is not loaded again unless the user asks for it by name. */
export const isQuarantined = (history: History, model: string): boolean =>
  (history.deathsByModel[model] ?? 0) >= MAX_DEATHS_WITH_MODEL;

export function pardon(history: History, model: string): History {
  const { [model]: _, ...deathsByModel } = history.deathsByModel;
  return { ...history, deathsByModel };
}
