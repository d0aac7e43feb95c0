/** `moebius carve`: makes the carving data of a dense model, for those who add a model to models/. */
import { availableParallelism } from 'node:os';
import { basename, resolve } from 'node:path';
import { Command } from 'commander';
import { carve } from '../convert/carve/carve.ts';
import { openCheckpoint } from '../convert/checkpoint.ts';
import { Tokenizer } from '../engine/tokenizer.ts';
import { finiteNumber, positiveInteger } from './engine-session.ts';
import { withProgress } from './progress.ts';
import { type Terminal, writeLine } from './terminal.ts';

interface CarveCommandOptions {
  corpus: string;
  out: string;
  groups: number;
  shared: number;
  tokens: number;
  seed: number;
  threads: number;
  id?: string;
  jsonProgress?: boolean;
}

export function carveCommand(terminal: Terminal): Command {
  return new Command('carve')
    .description('find the experts of a dense model from calibration text')
    .argument('<source>', 'a .gguf file, or a folder with config.json, tokenizer.json and *.safetensors')
    .requiredOption('--corpus <folder>', 'text files like those the model will read')
    .requiredOption('-o, --out <folder>', 'where carving.json and carving.bin go')
    .requiredOption('--groups <n>', 'equal groups of neurons, each a multiple of 64', positiveInteger)
    .requiredOption('--shared <n>', 'groups that are always on', finiteNumber)
    .option('--tokens <n>', 'calibration tokens, in sequences of 1,024', positiveInteger, 16384)
    .option('--seed <n>', 'of the clustering and of the order of files', finiteNumber, 0)
    .option('--threads <n>', 'threads of onnxruntime', positiveInteger, availableParallelism())
    .option('--id <id>', 'id of the model; default: the name of the file or folder')
    .option('--json-progress', 'JSON lines on stdout instead of a bar')
    .addHelpText(
      'after',
      `
Needs about 40 KB of memory a token for a 1.5B model, and minutes. What the settings mean: docs/moe.md.

Example:
  $ moebius carve model-q4_k_m.gguf --corpus ./code --groups 28 --shared 8 -o models/my-model`,
    )
    .action(async (source: string, options: CarveCommandOptions) => {
      const id = options.id ?? basename(resolve(source)).replace(/\.gguf$/i, '');
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
            groups: options.groups,
            sharedGroups: options.shared,
            seed: options.seed,
            outFolder: resolve(options.out),
            tokenize: text => tokenizer.encodePlain(text),
            math,
            onProgress: report,
            signal: terminal.signal,
          });
          return { model: id, path: resolve(options.out) };
        });
      } finally {
        await math.dispose();
      }
      if (!options.jsonProgress) await writeLine(terminal.stdout, `${options.out}: carving of ${id}`);
    });
}

async function readTokenizer(path: string): Promise<Tokenizer> {
  const checkpoint = await openCheckpoint(path);
  try {
    return new Tokenizer(checkpoint.text.tokenizer);
  } finally {
    await checkpoint.close();
  }
}
