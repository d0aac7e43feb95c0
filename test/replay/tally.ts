/** What is counted while a file is typed, and the figures that come of it. */
import { quantile } from '../bench/statistics.ts';

export interface Tally {
  /** Keys pressed, jumps left out, accepting included. */
  keys: number;
  /** Keys after which a text stood there before the next one. */
  shown: number;
  /** Suggestions, each counted once however far it was typed through. */
  suggestions: number;
  suggestedChars: number;
  /** Of them, up to the first character that was then typed otherwise. */
  rightChars: number;
  suggestedLines: number;
  rightLines: number;
  /** Characters that stood there before they were typed or accepted, each counted once. */
  usefulChars: number;
  accepted: number;
  acceptedChars: number;
  latenciesMs: number[];
  requests: number;
  /** Ended by the client: overtaken, or enough was written. */
  cancelled: number;
  promptTokens: number;
  reusedTokens: number;
  /** Computed for prompts, reading ahead included. */
  readTokens: number;
  writtenTokens: number;
  /** In which the engine had something to do. */
  computeMs: number;
  /** Of it, reading while nobody waited. */
  aheadMs: number;
  typedMs: number;
  /** What became of a keystroke's request, by name: how many. */
  outcomes: Record<string, number>;
}

export const emptyTally = (): Tally => ({
  keys: 0,
  shown: 0,
  suggestions: 0,
  suggestedChars: 0,
  rightChars: 0,
  suggestedLines: 0,
  rightLines: 0,
  usefulChars: 0,
  accepted: 0,
  acceptedChars: 0,
  latenciesMs: [],
  requests: 0,
  cancelled: 0,
  promptTokens: 0,
  reusedTokens: 0,
  readTokens: 0,
  writtenTokens: 0,
  computeMs: 0,
  aheadMs: 0,
  typedMs: 0,
  outcomes: {},
});

export function sum(tallies: readonly Tally[]): Tally {
  const total = emptyTally();
  for (const tally of tallies)
    for (const [key, value] of Object.entries(tally) as [keyof Tally, Tally[keyof Tally]][]) {
      if (key === 'latenciesMs') total.latenciesMs.push(...(value as number[]));
      else if (key === 'outcomes')
        for (const [name, count] of Object.entries(tally.outcomes))
          total.outcomes[name] = (total.outcomes[name] ?? 0) + count;
      else total[key] += value as number;
    }
  return total;
}

export interface Figures {
  shownPer100Keys: number;
  rightCharsShare: number;
  rightLinesShare: number;
  acceptedShare: number;
  latencyP50Ms: number;
  latencyP95Ms: number;
  reusedShare: number;
  writtenTokensPerShownChar: number;
  cancelledShare: number;
  usefulCharsPerComputeSecond: number;
  usefulCharsPer100Keys: number;
  /** Of the compute, what reading ahead took. */
  aheadShare: number;
}

export function figures(tally: Tally): Figures {
  const share = (part: number, of: number) => (of > 0 ? part / of : 0);
  const latency = (part: number) => (tally.latenciesMs.length > 0 ? quantile(tally.latenciesMs, part) : 0);
  return {
    shownPer100Keys: 100 * share(tally.shown, tally.keys),
    rightCharsShare: share(tally.rightChars, tally.suggestedChars),
    rightLinesShare: share(tally.rightLines, tally.suggestedLines),
    acceptedShare: share(tally.accepted, tally.suggestions),
    latencyP50Ms: latency(0.5),
    latencyP95Ms: latency(0.95),
    reusedShare: share(tally.reusedTokens, tally.promptTokens),
    writtenTokensPerShownChar: share(tally.writtenTokens, tally.suggestedChars),
    cancelledShare: share(tally.cancelled, tally.requests),
    usefulCharsPerComputeSecond: 1000 * share(tally.usefulChars, tally.computeMs),
    usefulCharsPer100Keys: 100 * share(tally.usefulChars, tally.keys),
    aheadShare: share(tally.aheadMs, tally.computeMs),
  };
}
