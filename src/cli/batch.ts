/** `moebius batch`: JSON lines in, JSON lines out, one model load. A bad line fails alone. */
import { type FileHandle, open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { Command } from 'commander';
import { cancelled, MoebiusError, toMoebiusError } from '../base/errors.ts';
import type { Engine, RunHooks } from '../engine/engine.ts';
import type { ExpertLevel } from '../protocol/daemon.ts';
import { type BatchAnswer, type BatchFailure, idOf, parseRecord } from './batch-record.ts';
import { addEngineOptions, type EngineOptions, hooksFor, withEngine } from './engine-session.ts';
import { type Terminal, writeLine } from './terminal.ts';

interface BatchOptions extends EngineOptions {
  input?: string;
  output?: string;
}

export function batchCommand(terminal: Terminal): Command {
  return addEngineOptions(new Command('batch'))
    .description('answer many prompts with one model load: JSON lines in, JSON lines out')
    .option('--input <file>', 'read from this file instead of stdin')
    .option('--output <file>', 'write to this file instead of stdout')
    .addHelpText(
      'after',
      `
A line in:  {"id", "kind": "generate"|"infill"|"chat", "prompt" | "prefix"+"suffix" (and "middle",
             which stands between them already) | "messages",
             "maxTokens", "temperature", "seed", "stop", "experts": "exact"|"balanced"|"fast"|"frugal"}
A line out: {"id", "text", "finish", "promptTokens", "reusedTokens", "outputTokens", "prefillMs", "decodeMs"}
            or {"id", "line", "error": {"code", "message"}} for a line that could not be answered.
Temperature is 0 (greedy, repeatable) where a line names none.

Example:
  $ echo '{"id":1,"kind":"generate","prompt":"def add(a, b):","maxTokens":32}' | moebius batch`,
    )
    .action(async (options: BatchOptions) => {
      const files: BatchFiles = {};
      try {
        // What can't be opened is told before the model is loaded, and nothing is overwritten until it is.
        if (options.input) files.input = await opened(options.input, 'r');
        if (options.output) files.output = await opened(options.output, 'a');
        await withEngine(terminal, options, engine => answerAll(engine, files, options, terminal));
      } finally {
        await files.input?.close();
        await files.output?.close();
      }
    });
}

interface BatchFiles {
  input?: FileHandle;
  output?: FileHandle;
}

async function opened(path: string, flag: 'r' | 'a'): Promise<FileHandle> {
  try {
    return await open(path, flag);
  } catch (cause) {
    const verb = flag === 'r' ? 'read' : 'written';
    throw new MoebiusError('bad-request', `${path} can't be ${verb}: ${(cause as Error).message}`, { cause });
  }
}

async function answerAll(
  engine: BatchEngine,
  files: BatchFiles,
  options: BatchOptions,
  terminal: Terminal,
): Promise<void> {
  // A pipe or a device has nothing to overwrite.
  if ((await files.output?.stat())?.isFile()) await files.output?.truncate();
  const output = files.output?.createWriteStream();
  // The write that fails rejects too, and is what ends the command.
  output?.on('error', () => {});
  const failures = await runBatch(linesOf(files.input?.createReadStream() ?? terminal.stdin), engine, {
    level: options.experts,
    hooks: hooksFor(terminal.signal),
    write: result => writeLine(output ?? terminal.stdout, JSON.stringify(result)),
  });
  if (output) await finished(output.end());
  if (failures > 0) await writeLine(terminal.stderr, `${failures} line(s) could not be answered.`);
}

/** Throws what the input fails with, which readline never ends for. */
async function* linesOf(input: Readable): AsyncGenerator<string> {
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  const failures: Error[] = [];
  input.once('error', error => {
    failures.push(error);
    lines.close();
  });
  yield* lines;
  if (failures.length > 0) throw failures[0];
}

type BatchEngine = Pick<Engine, 'generate' | 'complete'>;

interface BatchRun {
  /** For lines that name no level. */
  level: ExpertLevel | undefined;
  hooks: RunHooks;
  write(result: BatchAnswer | BatchFailure): Promise<void>;
}

/** Answers in the order of the input; resolves to the number of failed lines. Rejects only when cancelled. */
export async function runBatch(
  lines: AsyncIterable<string>,
  engine: BatchEngine,
  run: BatchRun,
): Promise<number> {
  let line = 0;
  let failures = 0;
  for await (const text of lines) {
    line++;
    if (text.trim() === '') continue;
    const result = await answer(text, engine, run).catch((thrown): BatchFailure => {
      if (run.hooks.signal.aborted) throw thrown;
      const { code, message } = toMoebiusError(thrown);
      return { id: idOf(text), line, error: { code, message } };
    });
    if ('error' in result) failures++;
    await run.write(result);
  }
  return failures;
}

async function answer(text: string, engine: BatchEngine, run: BatchRun): Promise<BatchAnswer> {
  const { id, experts, ...record } = parseRecord(text);
  const level = experts ?? run.level;
  const settings = { temperature: 0, requestId: 'batch', ...(level && { level }) };
  const result =
    record.kind === 'infill'
      ? await engine.complete({ ...settings, ...record }, run.hooks)
      : await engine.generate({ ...settings, ...record }, run.hooks);
  if (result.finish === 'cancelled') throw cancelled();
  const { promptTokens, reusedTokens, outputTokens, prefillMs, decodeMs } = result.usage;
  return {
    id: id ?? null,
    text: result.text,
    finish: result.finish,
    promptTokens,
    reusedTokens,
    outputTokens,
    prefillMs: round(prefillMs),
    decodeMs: round(decodeMs),
  };
}

const round = (ms: number): number => Math.round(ms * 10) / 10;
