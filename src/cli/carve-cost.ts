/** `moebius carve-cost`: what reading with few experts costs a carved model's answers; notes it where chats look for it. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { MoebiusError } from '../base/errors.ts';
import { cutSequences, readTexts, textSha256 } from '../convert/carve/corpus.ts';
import { type LevelCosts, writeLevelCosts } from '../convert/carve/level-costs.ts';
import { type CarvingJson, readCarvingJson } from '../convert/carving.ts';
import type { Engine } from '../engine/engine.ts';
import { loadEngine } from '../engine/load.ts';
import { Tokenizer } from '../engine/tokenizer.ts';
import { chatLevelOf } from '../models/chat-level.ts';
import { sessionThreads } from '../models/machine.ts';
import type { ExpertLayout, Manifest } from '../models/manifest.ts';
import { MANIFEST_NAME, readManifest, writeManifest } from '../models/manifest-file.ts';
import { openStore } from '../models/store.ts';
import type { ExpertLevel, ModelVariant } from '../protocol/daemon.ts';
import { hooksFor, optionalVariantOption, positiveInteger } from './engine-session.ts';
import { type Step, withProgress } from './progress.ts';
import { type Terminal, writeLine } from './terminal.ts';

interface CostOptions {
  carving: string;
  corpus: string;
  texts: number;
  variant?: ModelVariant;
  threads?: number;
  jsonProgress?: boolean;
}

/** Tokens of a text, and those at its end that are scored. They are read with all experts, as what is written has been. */
const TEXT = 1024;
const SCORED = 32;
/** Of fewer, not even the standard error says how far chance went. */
const FEWEST_TEXTS = 8;
const DIGITS = 1e4;

/** Of a level, in nats a scored token above `exact`. */
export interface LevelCost {
  level: ExpertLevel;
  nats: number;
  /** Standard error over the texts, two of them at least. */
  error: number;
}

export function carveCostCommand(terminal: Terminal): Command {
  return new Command('carve-cost')
    .description('measure what reading with few experts costs, so that chats can be read so by themselves')
    .argument(
      '<model>',
      'folder that `moebius convert --carving` made, or the id of a carved model of the store',
    )
    .requiredOption('--carving <folder>', 'the carving that it was made with')
    .requiredOption(
      '--corpus <folder>',
      'text; of the corpus that was carved with, only files that were not used',
    )
    .addOption(optionalVariantOption())
    .option(
      '--texts <n>',
      `texts of ${TEXT.toLocaleString('en-US')} tokens, ${FEWEST_TEXTS} at least`,
      positiveInteger,
      12,
    )
    .option('--threads <n>', 'threads of the engine', positiveInteger)
    .option('--json-progress', 'JSON lines on stdout instead of a bar')
    .addHelpText(
      'after',
      `
Each cost, and with it the error that chance may have made, is written into the model's manifest, and into carving.json for
conversions to come. Takes minutes; more texts make the error smaller.

Example:
  $ moebius carve-cost ./my-model --carving models/my-model --corpus ./code`,
    )
    .action(async (model: string, options: CostOptions) => {
      const store = await openStore();
      const isFolder = existsSync(join(model, MANIFEST_NAME));
      const folder = isFolder ? resolve(model) : (await store.find(model, options.variant)).path;
      const manifest = await readManifest(folder);
      const json = await readCarvingJson(options.carving);
      const experts = carvedExperts(manifest, json, model);
      const texts = await unusedTexts(folder, json, options, terminal);
      const threads = options.threads ?? (await sessionThreads(store.home));
      const { costs } = await withProgress(terminal, options.jsonProgress ?? false, async report => {
        const note = async (costs: readonly LevelCost[]) => {
          const noted: LevelCosts = Object.fromEntries(costs.map(cost => [cost.level, tailNllOf(cost)]));
          for (const { level } of costs) experts.levels[level]!.tailNll = noted[level]!;
          await writeManifest(folder, { ...manifest, experts });
          await writeLevelCosts(options.carving, noted);
        };
        // Nothing new yet: that a folder can't be written to is to be known before the minutes of work.
        await note([]);
        const costs = await measure(folder, threads, texts, experts, report, terminal.signal);
        await note(costs);
        return { model: manifest.id, path: folder, costs };
      });
      if (options.jsonProgress) return;
      await writeLine(
        terminal.stdout,
        `nats a token above exact, ${texts.length} texts (standard error); both together are noted:`,
      );
      for (const { level, nats, error } of costs)
        await writeLine(terminal.stdout, `  ${level.padEnd(10)}${nats.toFixed(4)} (${error.toFixed(4)})`);
      const chosen = chatLevelOf(experts, manifest.products);
      await writeLine(
        terminal.stdout,
        `Chats of ${manifest.id} (${manifest.variant}) are read at ${chosen}.`,
      );
    });
}

/** Throws `bad-request` where the model is not of the carving. */
function carvedExperts({ experts }: Manifest, json: CarvingJson, name: string): ExpertLayout {
  const sizes = ['sharedNeurons', 'routed', 'routedNeurons'] as const;
  if (experts?.kind === 'carved' && sizes.every(size => experts[size] === json[size])) {
    const { carvingSha256 = json.data.sha256 } = experts;
    if (carvingSha256 === json.data.sha256) return experts;
  }
  throw new MoebiusError(
    'bad-request',
    `${name} was not made with this carving: convert it with --carving, as int4 or int8.`,
  );
}

/** Middles of texts that the carving was not made from, as token ids. */
async function unusedTexts(
  folder: string,
  { calibration }: CarvingJson,
  { carving, corpus, texts: wanted }: CostOptions,
  terminal: Terminal,
): Promise<number[][]> {
  const tokenizer = new Tokenizer(JSON.parse(await readFile(join(folder, 'tokenizer.json'), 'utf8')));
  const tokenize = (text: string) => tokenizer.encodePlain(text);
  const { texts, sha256 } = await readTexts(corpus, calibration.seed);
  const isSame = sha256 === calibration.corpusSha256;
  // Where they were not noted yet, the corpus still tells them while it is the same.
  const first = isSame ? cutSequences(texts, { ...calibration, tokenize }).texts : 0;
  const used = new Set(calibration.usedSha256 ?? texts.slice(0, first).map(textSha256));
  if (used.size === 0) {
    const unknown = `${carving} does not say which files it was made from`;
    await writeLine(terminal.stderr, `${unknown}: if any of ${corpus} are, the costs come out too small.`);
  }
  const middles: number[][] = [];
  for (const text of texts.filter(text => !used.has(textSha256(text)))) {
    if (middles.length === wanted) break;
    const ids = tokenize(text);
    const from = (ids.length - TEXT) >> 1;
    if (from >= 0) middles.push(ids.slice(from, from + TEXT));
  }
  if (middles.length >= FEWEST_TEXTS) return middles;
  throw new MoebiusError(
    'bad-request',
    `${FEWEST_TEXTS} texts are needed at least, of ${corpus} ${middles.length} can be taken: files of ${TEXT} tokens that the carving was not made from. Name a folder of more text, or more --texts.`,
  );
}

/** Every level that writes with all experts; what the others cost while writing, this does not see. */
async function measure(
  folder: string,
  threads: number,
  texts: readonly number[][],
  { levels }: ExpertLayout,
  report: (step: Step) => void,
  signal: AbortSignal,
): Promise<LevelCost[]> {
  const names = (Object.keys(levels) as ExpertLevel[]).filter(
    level => levels[level]!.readK !== null && levels[level]!.writeK === null,
  );
  const engine = await loadEngine({ folder, contextTokens: TEXT, threads, signal });
  try {
    return await levelCosts(engine, texts, names, report, signal);
  } finally {
    await engine.dispose();
  }
}

/** What is noted, and chosen by: a few texts must not make a level cheap by chance, nor better than `exact`. */
export const tailNllOf = ({ nats, error }: Pick<LevelCost, 'nats' | 'error'>): number =>
  rounded(Math.max(0, nats) + error);

const rounded = (nats: number): number => Math.round(nats * DIGITS) / DIGITS;

export async function levelCosts(
  engine: Pick<Engine, 'score'>,
  texts: readonly number[][],
  levels: readonly ExpertLevel[],
  report: (step: Step) => void,
  signal: AbortSignal,
): Promise<LevelCost[]> {
  const total = texts.length * (levels.length + 1);
  let done = 0;
  const natsOf = async (text: number[], level: ExpertLevel) => {
    const scores = (await engine.score(text, level, hooksFor(signal))).subarray(-SCORED);
    signal.throwIfAborted();
    report({ phase: 'measure', percent: (100 * ++done) / total, message: level });
    return -scores.reduce((sum, value) => sum + value, 0) / scores.length;
  };
  const above = levels.map((): number[] => []);
  for (const text of texts) {
    const exact = await natsOf(text, 'exact');
    for (const [i, level] of levels.entries()) above[i]!.push((await natsOf(text, level)) - exact);
  }
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return levels.map((level, i) => {
    const nats = mean(above[i]!);
    const variance = mean(above[i]!.map(value => (value - nats) ** 2));
    return { level, nats: rounded(nats), error: rounded(Math.sqrt(variance / (texts.length - 1))) };
  });
}
