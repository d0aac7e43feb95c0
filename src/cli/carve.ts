/** `moebius carve`: makes the carving data of a dense model, and says what it is worth. */
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { carve } from '../convert/carve/carve.ts';
import { readCarvingJson } from '../convert/carving.ts';
import { openCheckpoint } from '../convert/checkpoint.ts';
import { Tokenizer } from '../engine/tokenizer.ts';
import { openStore } from '../models/store.ts';
import { carvingReport } from './carve-report.ts';
import { findWeights } from './carve-source.ts';
import { positiveInteger, wholeNumber } from './engine-session.ts';
import { withProgress } from './progress.ts';
import { type Terminal, writeLine } from './terminal.ts';

interface CarveCommandOptions {
  corpus: string;
  out: string;
  groups: number;
  shared: number;
  tokens: number;
  held: number;
  seed: number;
  threads: number;
  id?: string;
  jsonProgress?: boolean;
}

export function carveCommand(terminal: Terminal): Command {
  return new Command('carve')
    .description('find the experts of a dense model from calibration text')
    .argument(
      '<model>',
      'id of a model that was added with --keep-source, a .gguf file, or a folder with config.json, tokenizer.json and *.safetensors',
    )
    .requiredOption('--corpus <folder>', 'text files like those the model will read')
    .requiredOption('-o, --out <folder>', 'where carving.json and carving.bin go')
    .requiredOption('--groups <n>', 'equal groups of neurons, each a multiple of 64', positiveInteger)
    .requiredOption('--shared <n>', 'groups that are always on', wholeNumber)
    .option('--tokens <n>', 'calibration tokens, in sequences of 1,024', positiveInteger, 16384)
    .option('--held <n>', 'further tokens, of other files, to try it on; 0: none', wholeNumber, 2048)
    .option('--seed <n>', 'of the clustering and of the order of files', wholeNumber, 0)
    .option('--threads <n>', 'threads of onnxruntime', positiveInteger, availableParallelism())
    .option('--id <id>', 'id in the carving; default: that of the model, the name of the file or folder')
    .option('--json-progress', 'JSON lines on stdout instead of a bar')
    .addHelpText(
      'after',
      `
Needs about 40 KB of memory a token for a 1.5B model, and minutes. What the settings mean: docs/moe.md.

Examples:
  $ moebius carve qwen2.5-coder-0.5b --corpus ./code --groups 19 --shared 6 -o ./carving
  $ moebius carve model-q4_k_m.gguf --corpus ./code --groups 28 --shared 8 -o models/my-model`,
    )
    .action(async (model: string, options: CarveCommandOptions) => {
      const { path: source, id: itsId } = await findWeights(model, await openStore());
      const id = options.id ?? itsId;
      const outFolder = resolve(options.out);
      const tokenizer = await readTokenizer(source);
      // Here only: other commands leave onnxruntime to the engine's thread.
      const { OnnxTensorMath } = await import('../engine/session/tensor-math.ts');
      const math = await OnnxTensorMath.create(options.threads);
      try {
        await withProgress(terminal, options.jsonProgress ?? false, async report => {
          await carve({
            source,
            id,
            corpus: options.corpus,
            tokens: options.tokens,
            heldTokens: options.held,
            groups: options.groups,
            sharedGroups: options.shared,
            seed: options.seed,
            outFolder,
            tokenize: text => tokenizer.encodePlain(text),
            math,
            onProgress: report,
            signal: terminal.signal,
          });
          return { model: id, path: outFolder };
        });
      } finally {
        await math.dispose();
      }
      if (options.jsonProgress) return;
      await writeLine(terminal.stdout, `${options.out}: carving of ${id}`);
      await writeLine(terminal.stdout, carvingReport(await readCarvingJson(outFolder)));
      await writeLine(terminal.stdout, nextSteps(source, options));
    });
}

/** What its levels cost an answer only the converted model can tell; until then no chat is read at one by itself. */
const nextSteps = (source: string, { out, corpus }: CarveCommandOptions): string => `
What reading with few experts costs an answer is not measured, so chats are read at \`exact\` unless a level is chosen. Next:
  $ moebius convert ${quoted(source)} --carving ${quoted(out)} --out <folder>
  $ moebius carve-cost <folder> --carving ${quoted(out)} --corpus ${quoted(corpus)}`;

const quoted = (path: string): string => (/\s/.test(path) ? `"${path}"` : path);

async function readTokenizer(path: string): Promise<Tokenizer> {
  const checkpoint = await openCheckpoint(path);
  try {
    return new Tokenizer(checkpoint.text.tokenizer);
  } finally {
    await checkpoint.close();
  }
}
