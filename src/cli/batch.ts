/** `moebius batch`: JSON lines in, JSON lines out, one model load. A bad line fails alone. */
import { createReadStream, createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';
import { Command } from 'commander';
import { cancelled, toMoebiusError } from '../base/errors.ts';
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
    .action((options: BatchOptions) =>
      withEngine(terminal, options, async engine => {
        const input = options.input ? createReadStream(options.input) : terminal.stdin;
        const output = options.output ? createWriteStream(options.output) : terminal.stdout;
        const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
        const failures = await runBatch(lines, engine, {
          level: options.experts,
          hooks: hooksFor(terminal.signal),
          write: result => writeLine(output, JSON.stringify(result)),
        });
        if (options.output) await finished(output.end());
        if (failures > 0) await writeLine(terminal.stderr, `${failures} line(s) could not be answered.`);
      }),
    );
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
