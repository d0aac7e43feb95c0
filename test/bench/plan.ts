/** What one run of the benchmark is asked for, and what its scenarios hand back. */
import type { ExpertLevel, ModelVariant } from '../../src/protocol/daemon.ts';
import type { ContenderConfig } from './contender.ts';

export interface Plan {
  /** Id of the model, for the report. */
  model: string;
  gguf: string | null;
  /** Converted folders that exist. */
  variants: Partial<Record<ModelVariant, string>>;
  /** The one that is measured beside llama.cpp. */
  variant: ModelVariant;
  levels: ExpertLevel[];
  threads: number;
  rounds: number;
  quick: boolean;
}

/** One figure of the report. */
export interface Figure {
  scenario: string;
  /** e.g. `read 512, fast`. */
  what: string;
  unit: 'tokens/s' | 'ms' | 'MB' | 'ppl' | 'nats' | '%' | 'share' | 'count';
  /** Median by contender. */
  values: Record<string, number>;
  /** Half the quartile distance in percent of the median, by contender; absent for a single measurement. */
  spread?: Record<string, number>;
  /** Rounds that were measured. */
  rounds: number;
}

/** A column of what `contender` measures with or without drafts. */
export const labelOf = (contender: string, drafts: boolean): string =>
  drafts ? `${contender}, drafts` : contender;

export type Log = (line: string) => void;
/** Measures and hands back figures; what it starts it stops. */
export type Scenario = (plan: Plan, log: Log) => Promise<Figure[]>;

export const CONTEXT_TOKENS = 2400;

export const llamaConfig = (
  { gguf, threads }: Plan,
  contextTokens: number = CONTEXT_TOKENS,
): ContenderConfig[] => (gguf ? [{ kind: 'llama', gguf, contextTokens, threads }] : []);

export function moebiusConfig(
  { variants, threads }: Plan,
  variant: ModelVariant,
  contextTokens: number = CONTEXT_TOKENS,
): Extract<ContenderConfig, { kind: 'moebius' }>[] {
  const folder = variants[variant];
  return folder ? [{ kind: 'moebius', folder, variant, contextTokens, threads }] : [];
}

export const LLAMA = 'llama.cpp';

export const nameOf = (config: ContenderConfig): string =>
  config.kind === 'llama' ? LLAMA : (config.name ?? `moebius ${config.variant}`);
