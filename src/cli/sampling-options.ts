/** Options of the commands that write text, as the parameters of a request. */
import type { Command } from 'commander';
import type { SamplingParams } from '../protocol/daemon.ts';
import { addEngineOptions, type EngineOptions, finiteNumber, positiveInteger } from './engine-session.ts';

export interface SamplingOptions extends EngineOptions {
  maxTokens: number;
  temperature: number;
  topK?: number;
  topP?: number;
  minP?: number;
  seed?: number;
  stop?: string[];
  think?: boolean;
}

export function addSamplingOptions(command: Command, maxTokens: number): Command {
  return addEngineOptions(command)
    .option('-n, --max-tokens <n>', 'longest answer in tokens', positiveInteger, maxTokens)
    .option('-t, --temperature <t>', '0 is greedy and repeatable', finiteNumber, 0)
    .option('--top-k <k>', 'sample among the k likeliest tokens', positiveInteger)
    .option('--top-p <p>', 'sample among the likeliest tokens that add up to p', finiteNumber)
    .option('--min-p <p>', 'drop tokens less likely than p times the likeliest', finiteNumber)
    .option('--seed <n>', 'seed of the sampler', finiteNumber)
    .option('--stop <text...>', 'end before any of these texts')
    .option('--think', 'a model that can may think aloud before it answers; on stderr');
}

export function samplingOf(options: SamplingOptions): SamplingParams {
  const { maxTokens, temperature, topK, topP, minP, seed, stop } = options;
  return {
    maxTokens,
    temperature,
    ...(topK !== undefined && { topK }),
    ...(topP !== undefined && { topP }),
    ...(minP !== undefined && { minP }),
    ...(seed !== undefined && { seed }),
    ...(stop && { stop }),
  };
}

export const thinkingOf = ({ think }: SamplingOptions) => (think ? { thinking: true } : {});

export const levelOf = ({ experts }: EngineOptions) => (experts ? { level: experts } : {});
