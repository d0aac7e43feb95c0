/** `moebius fit-drafter`: fits the drafter of a converted model, for those who add a model to models/. */
import { existsSync } from 'node:fs';
import { appendFile, mkdir, open, readFile, stat, truncate } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import packageJson from '../../package.json';
import { MoebiusError } from '../base/errors.ts';
import { listFiles } from '../convert/carve/corpus.ts';
import { seededRandom, shuffled } from '../convert/carve/random.ts';
import { type Matrix, matrix } from '../convert/carve/tensor-math.ts';
import { fitDrafter, type Trace } from '../convert/draft/fit.ts';
import { writeDrafter } from '../convert/draft/writer.ts';
import { type ModelFolder, openModelFolder } from '../engine/model-folder.ts';
import { Tokenizer } from '../engine/tokenizer.ts';
import type { EmbeddingTable } from '../models/manifest.ts';
import { finiteNumber, positiveInteger } from './engine-session.ts';
import { type Step, withProgress } from './progress.ts';
import { type Terminal, writeLine } from './terminal.ts';

interface FitDrafterOptions {
  corpus: string;
  trace: string;
  out: string;
  id?: string;
  taps: number[];
  tokens: number;
  vocabulary: number;
  epochs: number;
  seed: number;
  threads: number;
  jsonProgress?: boolean;
}

/** Every file gives one stretch of its text, so that the trace stays varied. */
const TEXT_TOKENS = { least: 256, most: 1024 };
const TEXT = { file: 'text.i32', fields: 3 };

export function fitDrafterCommand(terminal: Terminal): Command {
  return new Command('fit-drafter')
    .description('fit what guesses ahead while a model writes')
    .argument('<model>', 'folder of the converted model; see --taps of convert')
    .requiredOption('--corpus <folder>', 'text files like those the model will write')
    .requiredOption('--trace <folder>', 'where the states of the model are kept; a trace there is continued')
    .requiredOption('-o, --out <folder>', 'where drafter.json and drafter.bin go')
    .option('--id <id>', 'id of the model; default: as in its manifest')
    .option('--taps <layers>', 'as given to convert', text => text.split(',').map(finiteNumber), [])
    .option('--tokens <n>', 'tokens to trace', positiveInteger, 200_000)
    .option('--vocabulary <n>', 'tokens that can be guessed', positiveInteger, 8192)
    .option('--epochs <n>', 'times the trace is gone through', positiveInteger, 3)
    .option('--seed <n>', 'of the order of files and samples', finiteNumber, 0)
    .option('--threads <n>', 'threads of onnxruntime', positiveInteger, availableParallelism())
    .option('--json-progress', 'JSON lines on stdout instead of a bar')
    .addHelpText(
      'after',
      `
A trace of a 1.5B model takes 6 KB of disk and memory a token for the last state and for each tap, and as long as reading the text does. More: docs/engine.md.

Example:
  $ moebius convert model.gguf --taps 23 -o ./traced
  $ moebius fit-drafter ./traced --taps 23 --corpus ./code --trace ./trace -o models/my-model`,
    )
    .action(async (folder: string, options: FitDrafterOptions) => {
      const model = await openModelFolder(folder);
      const { right } = await withProgress(terminal, options.jsonProgress ?? false, async report => {
        await traceCorpus(folder, model, options, report, terminal.signal);
        return fitTrace(folder, model, options, report, terminal.signal);
      });
      if (!options.jsonProgress) {
        const share = (100 * right).toFixed(1);
        await writeLine(terminal.stdout, `${options.out}: ${share} % of the held-out tokens guessed`);
      }
    });
}

/** Appends what the model does on the corpus to the trace, text by text, until it has enough. */
async function traceCorpus(
  folder: string,
  { manifest, tokenizer: json }: ModelFolder,
  options: FitDrafterOptions,
  report: (step: Step) => void,
  signal: AbortSignal,
): Promise<void> {
  const { corpus, trace, tokens: wanted, seed, threads, taps } = options;
  await mkdir(trace, { recursive: true });
  const path = (file: string) => join(trace, file);
  const known = await readInts(path(TEXT.file));
  let done = known.length / TEXT.fields;
  if (done >= wanted) return;
  // A run that was ended between two files left more of one than of the other.
  const rowBytes = Float32Array.BYTES_PER_ELEMENT * manifest.dims.hidden;
  for (const [file, states] of [
    ['hidden.f32', 1],
    ['taps.f32', taps.length],
  ] as const) {
    if (existsSync(path(file))) await truncate(path(file), done * rowBytes * states);
  }
  let texts = 0;
  for (let i = 0; i < done; i++) if (known[i * TEXT.fields + 2] === 0) texts++;

  const tokenizer = new Tokenizer(json);
  const random = seededRandom(seed);
  const names = shuffled(await listFiles(corpus), random);
  // Here only: other commands leave onnxruntime to the engine's thread.
  const { ModelRunner } = await import('../engine/session/model-runner.ts');
  const { traceText } = await import('../engine/session/trace.ts');
  const contextTokens = TEXT_TOKENS.most + 1;
  const model = await ModelRunner.load(
    { folder, manifest, contextTokens, threads, packed: null },
    () => undefined,
  );
  try {
    for (const name of names) {
      if (done >= wanted) return;
      const ids = tokenizer.encodePlain(await readFile(join(corpus, name), 'utf8'));
      const from = Math.floor(random() * Math.max(0, ids.length - TEXT_TOKENS.most));
      const text = ids.slice(from, from + TEXT_TOKENS.most);
      if (text.length < TEXT_TOKENS.least || texts-- > 0) continue;
      const chunks = { hidden: [] as Uint8Array[], taps: [] as Uint8Array[], text: [] as number[] };
      for await (const { at, tokens, states, best } of traceText(model, text)) {
        signal.throwIfAborted();
        if ((states.taps === null) !== (taps.length === 0)) {
          throw new MoebiusError('bad-request', `${folder} was not converted with these taps.`);
        }
        chunks.hidden.push(bytesOf(states.hidden));
        if (states.taps) chunks.taps.push(bytesOf(states.taps));
        for (const [i, token] of tokens.entries()) chunks.text.push(token, best[i]!, at + i);
      }
      await appendFile(path('hidden.f32'), Buffer.concat(chunks.hidden));
      if (taps.length > 0) await appendFile(path('taps.f32'), Buffer.concat(chunks.taps));
      await appendFile(path(TEXT.file), bytesOf(Int32Array.from(chunks.text)));
      done += text.length;
      report({ phase: 'trace', percent: Math.min(100, (100 * done) / wanted), message: `${done} tokens` });
    }
  } finally {
    await model.release();
  }
  if (done < wanted) {
    throw new MoebiusError('bad-request', `${corpus} has only ${done} usable tokens; ${wanted} are wanted.`);
  }
}

async function fitTrace(
  folder: string,
  { manifest }: ModelFolder,
  options: FitDrafterOptions,
  report: (step: Step) => void,
  signal: AbortSignal,
): Promise<{ right: number }> {
  const { hidden, layers, vocab, rmsEpsilon } = manifest.dims;
  const { taps, trace: from, seed, vocabulary, epochs } = options;
  const trace = await readTrace(from, hidden, taps.length);
  const { Embedding } = await import('../engine/session/embedding.ts');
  const { OnnxTensorMath } = await import('../engine/session/tensor-math.ts');
  const math = await OnnxTensorMath.create(options.threads);
  const opened: { close(): void }[] = [];
  const rowsOf = (table: EmbeddingTable) => {
    const rows = new Embedding(folder, table, hidden);
    opened.push(rows);
    return async (ids: Uint32Array) => matrix(ids.length, hidden, rows.rows(ids));
  };
  try {
    const fitted = await fitDrafter(trace, {
      ...{ taps, vocabulary, epochs, seed, rmsEpsilon, math, signal },
      headRows: rowsOf(manifest.outputEmbedding ?? manifest.embedding),
      embeddingRows: rowsOf(manifest.embedding),
      onProgress: (fraction, message) => report({ phase: 'fit', percent: 100 * fraction, message }),
    });
    await writeDrafter(resolve(options.out), fitted, {
      model: options.id ?? manifest.id,
      dims: { layers, hidden, vocab },
      calibration: { tokens: trace.tokens.length },
      createdBy: `moebius fit-drafter ${packageJson.version}`,
    });
    return { right: fitted.heldOut.right };
  } finally {
    for (const rows of opened) rows.close();
    await math.dispose();
  }
}

async function readTrace(folder: string, hidden: number, taps: number): Promise<Trace> {
  const text = await readInts(join(folder, TEXT.file));
  const count = text.length / TEXT.fields;
  const field = (at: number) => Uint32Array.from({ length: count }, (_, i) => text[i * TEXT.fields + at]!);
  const states: Matrix[] = [];
  if (taps > 0) states.push(await readMatrix(join(folder, 'taps.f32'), count, taps * hidden));
  states.push(await readMatrix(join(folder, 'hidden.f32'), count, hidden));
  return { states, tokens: field(0), best: field(1), position: field(2) };
}

async function readInts(path: string): Promise<Int32Array> {
  const bytes = await readFile(path).catch(error => {
    if (error.code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  });
  return new Int32Array(new Uint8Array(bytes).buffer);
}

/** In pieces: a trace may be larger than what one read can return. */
async function readMatrix(path: string, rows: number, columns: number): Promise<Matrix> {
  const out = matrix(rows, columns);
  const { size } = await stat(path);
  if (size < out.values.byteLength)
    throw new MoebiusError('format-invalid', `${path} is cut off; remove the trace.`);
  const file = await open(path);
  try {
    const bytes = bytesOf(out.values);
    const piece = 64 * 1024 * 1024;
    for (let at = 0; at < bytes.length; ) {
      const { bytesRead } = await file.read(bytes, at, Math.min(piece, bytes.length - at), at);
      if (bytesRead === 0) throw new MoebiusError('format-invalid', `${path} is cut off; remove the trace.`);
      at += bytesRead;
    }
  } finally {
    await file.close();
  }
  return out;
}

const bytesOf = (of: Float32Array | Int32Array): Uint8Array =>
  new Uint8Array(of.buffer, of.byteOffset, of.byteLength);
