/**
 * How a prompt is read: which rows of the cache stay, and which graph reads the rest. Levels (docs/engine.md): far rows
 * with few experts, the first and the last ones with all of them.
 */
import { MoebiusError } from '../base/errors.ts';
import { meanExperts } from '../models/chat-level.ts';
import type { ExpertLayout, ExpertsPerToken, LevelPlan } from '../models/manifest.ts';
import type { ExpertLevel } from '../protocol/daemon.ts';

/** Experts that read a row, for comparison: all of them are more than any number. */
export const ALL_EXPERTS = Number.POSITIVE_INFINITY;

/** What a row counts less that took the shortcut: it was read by as many experts, in fewer layers. */
const SHORTCUT_LESS = 0.5;

/** What a sequence's cache holds: row i is tokens[i], read by experts[i] experts a layer, on the mean of the layers (expertsOf). */
export interface CachedRows {
  tokens: number[];
  experts: number[];
}

/** Which graphs read rows: the body (`experts` null), or those of that many routed experts, with the shortcut or without. */
export interface Reader {
  experts: ExpertsPerToken | null;
  shortcut?: true;
}

/** Rows from..to of the prompt. */
export interface Segment extends Reader {
  from: number;
  to: number;
}

/** What rows that `reader` read count in comparisons. */
export function expertsOf({ experts, shortcut }: Reader): number {
  if (experts === null) return ALL_EXPERTS;
  return meanExperts(experts) - (shortcut ? SHORTCUT_LESS : 0);
}
export interface ReadPlan {
  /** Leading rows taken from the cache. Less than the prompt's length: its last row is always read. */
  reused: number;
  segments: Segment[];
}

/** A shorter far part isn't worth another graph. */
const WORTHWHILE_ROWS = 64;
const EXACT: LevelPlan = { readK: null, writeK: null, exactHead: 0, exactTail: 0 };

/** Plan of a level. A carved model refuses a level it wasn't made for; others know only their own routing. */
export function levelPlan(layout: ExpertLayout | null, level: ExpertLevel = 'exact'): LevelPlan {
  const plan = layout?.levels[level];
  if (plan) return plan;
  if (layout?.kind === 'carved' && level !== 'exact') {
    const levels = Object.keys(layout.levels).join(', ');
    throw new MoebiusError('unsupported', `This model has no level "${level}"; it has: ${levels}.`);
  }
  return layout?.levels.exact ?? EXACT;
}

/** Rows from..to of a prompt of `total` tokens, which the level's few experts read; none where it has no few. */
function farRows({ readK, exactHead, exactTail }: LevelPlan, total: number): { from: number; to: number } {
  const from = Math.min(exactHead, total);
  return { from, to: readK === null ? from : Math.max(from, total - exactTail) };
}

const farReader = ({ readK, shortcut }: LevelPlan): Reader => ({
  experts: readK,
  ...(shortcut && { shortcut }),
});

/** How many experts must at least have read each row of a prompt of `total` tokens. */
export function expertsNeeded(level: LevelPlan, total: number): (row: number) => number {
  const { from, to } = farRows(level, total);
  const few = expertsOf(farReader(level));
  return row => (row >= from && row < to ? few : ALL_EXPERTS);
}

/** `prompt` has at least one token. */
export function planRead(cached: CachedRows, prompt: readonly number[], level: LevelPlan): ReadPlan {
  const total = prompt.length;
  const { readK } = level;
  const { from: farFrom, to: farTo } = farRows(level, total);
  const expertsFor = expertsNeeded(level, total);

  const limit = Math.min(cached.tokens.length, total - 1);
  let reused = 0;
  while (
    reused < limit &&
    cached.tokens[reused] === prompt[reused] &&
    cached.experts[reused]! >= expertsFor(reused)
  ) {
    reused++;
  }

  const from = Math.max(reused, farFrom);
  const isWorthwhile = farTo === total || farTo - from >= WORTHWHILE_ROWS;
  if (readK === null || farTo <= from || !isWorthwhile) {
    return { reused, segments: [{ from: reused, to: total, experts: null }] };
  }
  const segments: Segment[] = [
    { from: reused, to: from, experts: null },
    { from, to: farTo, ...farReader(level) },
    { from: farTo, to: total, experts: null },
  ];
  return { reused, segments: segments.filter(segment => segment.from < segment.to) };
}
