/**
 * 32 against 8 against 4 bits, and 8 bits with their weights packed: speed, size on disk, memory. One child at a time: fp32
 * alone may fill the machine.
 */
import { linkSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../../scripts/steps.ts';
import { packModelGraphs } from '../../../src/engine/pack.ts';
import { readManifest } from '../../../src/models/manifest-file.ts';
import { packedFolder, packModel } from '../../../src/models/packed.ts';
import { openStore } from '../../../src/models/store.ts';
import type { ExpertLevel, ModelVariant } from '../../../src/protocol/daemon.ts';
import { startContender } from '../child-contender.ts';
import type { WriteOptions, Written } from '../contender.ts';
import { promptOfLength, readCorpus, SPEED_FILES } from '../corpus.ts';
import { filesBelow } from '../page-cache.ts';
import { type Figure, type Log, moebiusConfig, nameOf, type Plan } from '../plan.ts';
import { PeakMemory } from '../process-memory.ts';
import { eachRound, requireFresh, rotated, Samples } from '../rounds.ts';
import { perSecond } from '../statistics.ts';
import { ANSWER_FIGURE, ANSWER_PROMPT, ANSWER_TOKENS, answerMs } from './chat.ts';

const ALL: readonly ModelVariant[] = ['fp32', 'int8', 'int4'];
const SHORT_PROMPT = 512;
export const VARIANT_FIGURES = {
  writing: `write at ${SHORT_PROMPT}`,
  answer: ANSWER_FIGURE,
  sparse: `${ANSWER_FIGURE}, read at fast`,
  anonymous: 'peak anonymous memory',
};
export const PACKED_COLUMN = 'int8, packed';

/** That one process reads in a round, one after the other in one sequence. */
const PROMPTS = 4;

export async function variants(plan: Plan, log: Log): Promise<Figure[]> {
  const present = ALL.filter(variant => plan.variants[variant]);
  for (const variant of ALL.filter(variant => !present.includes(variant)))
    log(`${variant} is not in the store: moebius model add ${plan.model} --variant ${variant}`);
  const configs = present.flatMap(variant =>
    moebiusConfig(plan, variant).map(config => ({ ...config, name: variant as string })),
  );
  const [int8] = moebiusConfig(plan, 'int8');
  if (int8) configs.push({ ...int8, folder: await packedCopy(int8.folder, log), name: PACKED_COLUMN });
  const columns = () => new Samples(configs.map(nameOf));
  const size = columns();
  const reading = columns();
  const writing = columns();
  const answering = columns();
  const sparse = columns();
  const anonymous = columns();
  const mapped = columns();
  const { text } = readCorpus(SPEED_FILES);
  for (const round of eachRound(plan, 'variants', log)) {
    for (const config of rotated(configs, round)) {
      const { name, folder } = config;
      let peak: PeakMemory | undefined;
      const contender = await startContender(name, config, pid => {
        peak = new PeakMemory(pid);
      });
      try {
        // The same prompts for all, each with another beginning.
        let prompts = round * PROMPTS;
        const write = async (
          tokens: number,
          maxTokens: number,
          level: ExpertLevel,
          options: WriteOptions = {},
        ): Promise<Written> => {
          const prompt = await promptOfLength(text, tokens, prompts++, contender.tokenize);
          const written = await contender.write(prompt, maxTokens, level, options);
          requireFresh(name, written, tokens);
          return written;
        };
        await contender.write('def warm_up():\n', 8, 'exact');
        const short = await write(SHORT_PROMPT, 33, 'exact');
        reading.add(name, perSecond(SHORT_PROMPT, short.firstTokenMs));
        writing.add(name, perSecond(short.steps, short.decodeMs));
        const answer = await write(ANSWER_PROMPT, ANSWER_TOKENS, 'exact', { drafts: true });
        answering.add(name, answerMs(answer));
        if (round === 0) size.add(name, folderBytes(folder) / 1e6);
        const memory = peak?.stop();
        if (memory) anonymous.add(name, memory.anonymous / 1e6);
        if (memory) mapped.add(name, memory.fileBacked / 1e6);
        if (await readsSparsely(folder)) {
          // Behind the memory: its graphs are loaded with the first prompt that needs them.
          await write(ANSWER_PROMPT, 1, 'fast');
          const sooner = await write(ANSWER_PROMPT, ANSWER_TOKENS, 'fast', { drafts: true });
          sparse.add(name, answerMs(sooner));
        }
      } finally {
        peak?.stop();
        await contender.close();
      }
    }
  }
  return [
    size.figure('variants', 'size on disk', 'MB'),
    reading.figure('variants', `read ${SHORT_PROMPT}`, 'tokens/s'),
    writing.figure('variants', VARIANT_FIGURES.writing, 'tokens/s'),
    answering.figure('variants', VARIANT_FIGURES.answer, 'ms'),
    sparse.figure('variants', VARIANT_FIGURES.sparse, 'ms'),
    anonymous.figure('variants', VARIANT_FIGURES.anonymous, 'MB'),
    mapped.figure('variants', 'peak file-backed memory', 'MB'),
  ];
}

const readsSparsely = async (folder: string): Promise<boolean> =>
  'routed.onnx' in (await readManifest(folder)).files;

/** The model's files by hard links, and its weights packed beside them: what `moebius model pack` makes. Kept in .cache/bench. */
async function packedCopy(folder: string, log: Log): Promise<string> {
  const manifest = await readManifest(folder);
  const { id, variant } = manifest;
  const store = await openStore(join(ROOT, '.cache/bench/packed'));
  const path = store.variantFolder(id, variant);
  if (await isPackedCopy(folder, path)) return path;
  log(`packing the weights of ${id} (${variant})`);
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { recursive: true });
  for (const file of filesOf(folder)) linkSync(join(folder, file), join(path, file));
  await packModel(store, { id, variant, path, manifest }, packModelGraphs);
  return path;
}

/** A conversion made anew has other files, whatever they hold. */
const isPackedCopy = async (folder: string, path: string): Promise<boolean> =>
  (await packedFolder(path)) !== null &&
  filesOf(folder).every(
    file => statSync(join(path, file), { throwIfNoEntry: false })?.ino === statSync(join(folder, file)).ino,
  );

const filesOf = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(({ name }) => name);

const folderBytes = (folder: string): number =>
  filesBelow(folder).reduce((sum, file) => sum + statSync(file).size, 0);
