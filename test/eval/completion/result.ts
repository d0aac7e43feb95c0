import type { Ablation } from './answers.ts';

export interface Verdict {
  passes: boolean;
  isExact: boolean;
}
export interface CaseResult {
  id: string;
  raw: Verdict;
  pipeline: Verdict;
  /** null: not asked. */
  llama: Verdict | null;
  isShown: boolean;
  meanLogProb: number | null;
  written: string;
  shown: string | null;
}
/** What a filter does to the texts that it changes: verdicts won by having it. */
export interface FilterEffect {
  changed: number;
  pass: number;
  exact: number;
}
export interface SetResult {
  name: string;
  results: CaseResult[];
  effects: Partial<Record<Ablation, FilterEffect>>;
}
