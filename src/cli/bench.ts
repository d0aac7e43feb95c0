/** `moebius bench`: how fast one model is on this machine. Against other engines: `npm run bench` in the repository. */
import { Command } from 'commander';
import { cancelled } from '../base/errors.ts';
import type { Engine } from '../engine/engine.ts';
import { EXPERT_LEVELS, type ExpertLevel, type GenerateResult } from '../protocol/daemon.ts';
import {
  addEngineOptions,
  type EngineOptions,
  hooksFor,
  positiveInteger,
  withEngine,
} from './engine-session.ts';
import { type Terminal, writeLine } from './terminal.ts';

interface BenchOptions extends EngineOptions {
  promptTokens: number;
  rounds: number;
  json?: boolean;
}
export interface LevelSpeed {
  level: ExpertLevel;
  promptTokens: number;
  /** Medians of the rounds. */
  prefillTokensPerSecond: number;
  /** One token a step, as `doctor` estimates it: what drafts add depends on the text. */
  decodeTokensPerSecond: number;
  /** With drafts. The text repeats itself as little code does, so it is the most that they bring. */
  draftedTokensPerSecond: number;
}

const WRITTEN_TOKENS = 48;
const DRAFTS_NOTE =
  'Writing is one token a step. Drafts write several where text repeats itself, as it does here: most text gains less.';

export function benchCommand(terminal: Terminal): Command {
  return addEngineOptions(new Command('bench'))
    .description('measure how fast a model reads and writes here')
    .option('--prompt-tokens <n>', 'length of the prompt', positiveInteger, 512)
    .option('--rounds <n>', 'repetitions; the median counts', positiveInteger, 3)
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  $ moebius bench --model qwen2.5-coder-0.5b --rounds 5')
    .action((options: BenchOptions) =>
      withEngine(terminal, options, async engine => {
        const info = engine.info();
        const levels = options.experts
          ? [options.experts]
          : EXPERT_LEVELS.filter(l => info.capabilities.levels.includes(l));
        const speeds: LevelSpeed[] = [];
        for (const level of levels) {
          speeds.push(await measureLevel(engine, level, options, terminal.signal));
        }
        const { id, variant, threads, loadMs } = info;
        if (options.json) {
          return writeLine(
            terminal.stdout,
            JSON.stringify({ model: id, variant, threads, loadMs: Math.round(loadMs), speeds }),
          );
        }
        await writeLine(
          terminal.stdout,
          `${id} ${variant}, ${threads} threads, loaded in ${(loadMs / 1000).toFixed(1)} s`,
        );
        await writeLine(
          terminal.stdout,
          'experts    prompt  reading tokens/s  writing tokens/s  with drafts',
        );
        for (const speed of speeds) await writeLine(terminal.stdout, speedRow(speed));
        await writeLine(terminal.stdout, DRAFTS_NOTE);
      }),
    );
}

/** Every round reads a prompt that shares no prefix with the one before. */
async function measureLevel(
  engine: Engine,
  level: ExpertLevel,
  { promptTokens, rounds }: Pick<BenchOptions, 'promptTokens' | 'rounds'>,
  signal: AbortSignal,
): Promise<LevelSpeed> {
  const plain: GenerateResult[] = [];
  const drafted: GenerateResult[] = [];
  for (let round = 0; round < rounds; round++) {
    const prompt = sampleProgram(engine, promptTokens, `# ${level} ${round}\n`);
    const params = {
      requestId: 'bench',
      sequence: 'bench',
      prompt,
      level,
      temperature: 0,
      maxTokens: WRITTEN_TOKENS,
    };
    for (const [results, drafts] of [
      [plain, false],
      [drafted, true],
    ] as const) {
      const result = await engine.generate({ ...params, drafts }, hooksFor(signal));
      if (result.finish === 'cancelled') throw cancelled();
      results.push(result);
    }
  }
  const written = (results: GenerateResult[]) =>
    median(results.map(r => perSecond(stepsOf(r), r.usage.decodeMs)));
  return {
    level,
    promptTokens: plain[0]?.usage.promptTokens ?? 0,
    prefillTokensPerSecond: median(
      plain.map(r => perSecond(r.usage.promptTokens - r.usage.reusedTokens, r.usage.prefillMs)),
    ),
    decodeTokensPerSecond: written(plain),
    draftedTokensPerSecond: written(drafted),
  };
}

/** Python-like text of about `tokens` tokens whose lines differ, so that nothing stops for repetition. */
function sampleProgram(engine: Pick<Engine, 'count'>, tokens: number, first: string): string {
  let text = first;
  for (let i = 0; ; i++) {
    const line = `def step_${i}(items, limit=${(i * 37) % 101}):\n    return [x + ${i} for x in items if x % ${(i % 7) + 2} < limit]\n\n`;
    if (engine.count({ text: text + line }).tokens > tokens) return text;
    text += line;
  }
}

/** Tokens that steps wrote: the first comes out of the prefill; a step that ends the text writes none. */
const stepsOf = ({ finish, usage }: GenerateResult): number =>
  finish === 'stop' ? usage.outputTokens : usage.outputTokens - 1;

const perSecond = (tokens: number, ms: number): number => (ms > 0 ? (tokens / ms) * 1000 : 0);

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function speedRow({
  level,
  promptTokens,
  prefillTokensPerSecond,
  decodeTokensPerSecond,
  draftedTokensPerSecond,
}: LevelSpeed): string {
  const columns = [level.padEnd(9), String(promptTokens).padStart(7)];
  columns.push(prefillTokensPerSecond.toFixed(1).padStart(17), decodeTokensPerSecond.toFixed(1).padStart(17));
  columns.push(draftedTokensPerSecond.toFixed(1).padStart(12));
  return columns.join(' ');
}
