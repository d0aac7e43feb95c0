/** `moebius convert`: published weights on disk into the folder that the engine loads. */
import { basename, resolve } from 'node:path';
import { Command } from 'commander';
import { assertConvertible, convertModel } from '../convert/convert.ts';
import { assertReplaceable } from '../convert/out-folder.ts';
import { isModelId } from '../models/store.ts';
import type { ModelVariant } from '../protocol/daemon.ts';
import { modelId, variantOption } from './engine-session.ts';
import { productsHere } from './machine.ts';
import { hashSource, idOfFile } from './model-source.ts';
import { withProgress } from './progress.ts';
import { type Terminal, writeLine } from './terminal.ts';

interface ConvertOptions {
  out: string;
  variant: ModelVariant;
  carving?: string;
  drafter?: string;
  id?: string;
  name?: string;
  license: string;
  jsonProgress?: boolean;
}

export function convertCommand(terminal: Terminal): Command {
  return new Command('convert')
    .description('make published weights into a model folder, outside the store')
    .argument('<source>', 'a .gguf file, or a folder with config.json, tokenizer.json and *.safetensors')
    .requiredOption('-o, --out <folder>', 'where the model goes; replaces a converted model, nothing else')
    .addOption(variantOption())
    .option('--carving <folder>', 'carving.json of this model: split its layers into experts')
    .option('--drafter <folder>', 'drafter.json of this model: guess ahead while writing')
    .option('--id <id>', 'id in the manifest; default: the name of the file or folder', modelId)
    .option('--name <name>', 'name in the manifest; default: the id')
    .option('--license <spdx>', 'licence of the weights', 'unknown')
    .option('--json-progress', 'JSON lines on stdout instead of a bar')
    .addHelpText(
      'after',
      `
To get a model into the store, use \`moebius model add\`.

Examples:
  $ moebius convert model-q4_k_m.gguf --out ./model-int8 --variant int8
  $ moebius convert ./Qwen3-Coder-30B-A3B-Instruct --out ./qwen3-coder-30b`,
    )
    .action(async (source: string, options: ConvertOptions) => {
      const id = options.id ?? idOf(source);
      const outFolder = resolve(options.out);
      const { sizeBytes } = await withProgress(terminal, options.jsonProgress ?? false, async report => {
        await assertReplaceable(outFolder, source);
        await assertConvertible(source);
        const { sha256 } = await hashSource(source, report, terminal.signal);
        const manifest = await convertModel({
          source,
          sourceSha256: sha256,
          id,
          name: options.name ?? id,
          license: options.license,
          variant: options.variant,
          products: await productsHere(options.variant),
          carvingFolder: options.carving ?? null,
          drafterFolder: options.drafter ?? null,
          outFolder,
          onProgress: report,
          signal: terminal.signal,
        });
        const sizeBytes = Object.values(manifest.files).reduce((sum, file) => sum + file.sizeBytes, 0);
        return { model: id, variant: options.variant, path: outFolder, sizeBytes };
      });
      if (!options.jsonProgress) {
        await writeLine(
          terminal.stdout,
          `${options.out}: ${id} ${options.variant}, ${Math.round(sizeBytes / 1e6)} MB`,
        );
      }
    });
}

function idOf(source: string): string {
  const name = basename(resolve(source)).replace(/\.gguf$/i, '');
  return isModelId(name) ? name : idOfFile(name);
}
