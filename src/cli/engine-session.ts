/** The engine of a command: options that choose the model, loading in this process, and disposal whatever happens. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { cancelled, MoebiusError } from '../base/errors.ts';
import type { Engine, RunHooks } from '../engine/engine.ts';
import { loadEngine } from '../engine/load.ts';
import { defaultModel } from '../models/catalogue.ts';
import { sessionThreads } from '../models/machine.ts';
import { ID_RULE, isModelId, openStore, type Store, VARIANTS } from '../models/store.ts';
import {
  EXPERT_LEVELS,
  type ExpertLevel,
  type GenerateEvent,
  type GenerateResult,
  type ModelVariant,
} from '../protocol/daemon.ts';

import { print, type Terminal, writeLine } from './terminal.ts';

export interface EngineOptions {
  model?: string;
  variant?: ModelVariant;
  experts?: ExpertLevel;
  context: number;
  threads?: number;
}

export function addEngineOptions(command: Command): Command {
  return command
    .option(
      '-m, --model <id>',
      'model of the store; default: the default of the catalogue, else the first there is',
    )
    .addOption(optionalVariantOption())
    .addOption(
      new Option('-e, --experts <level>', 'experts that read the prompt and write the answer').choices([
        ...EXPERT_LEVELS,
      ]),
    )
    .option('--context <tokens>', 'longest prompt and answer together', positiveInteger, 8192)
    .option(
      '--threads <n>',
      'threads of the engine; default: what `moebius doctor` found best, else all',
      positiveInteger,
    );
}

export const optionalVariantOption = (): Option =>
  new Option('--variant <precision>', 'precision of the weights').choices([...VARIANTS]);

export const variantOption = (): Option => optionalVariantOption().default('int4');

export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError('It must be a whole number above 0.');
  return value;
}

/** Of `--id`: checked before anything is fetched for it. */
export function modelId(text: string): string {
  if (!isModelId(text)) throw new InvalidArgumentError(`It can't name a model: ${ID_RULE}.`);
  return text;
}

/** Of those that are kept exactly. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < 0)
    throw new InvalidArgumentError('It must be a whole number from 0.');
  return value;
}

export function finiteNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('It must be a number.');
  return value;
}

export interface OpenOptions extends Partial<EngineOptions> {
  signal?: AbortSignal;
  onProgress?(percent: number): void;
}

/** Loads a model of the store in this process. Throws `model-missing` with what to run. */
export async function openEngine(options: OpenOptions = {}): Promise<Engine> {
  const store = await openStore();
  const folder = await findFolder(store, options.model, options.variant);
  return loadEngine({
    folder,
    contextTokens: options.context ?? 8192,
    threads: options.threads ?? (await sessionThreads(store.home)),
    ...(options.signal && { signal: options.signal }),
    ...(options.onProgress && { onProgress: options.onProgress }),
  });
}

async function findFolder(
  store: Store,
  id: string | undefined,
  variant: ModelVariant | undefined,
): Promise<string> {
  if (id) return (await store.find(id, variant)).path;
  const models = (await store.list()).filter(model => !variant || model.variant === variant);
  const model = models.find(one => one.id === defaultModel().id) ?? models[0];
  if (model) return model.path;
  throw new MoebiusError(
    'model-missing',
    `No model is installed${variant ? ` (${variant})` : ''}: \`moebius model add ${defaultModel().id}${variant ? ` --variant ${variant}` : ''}\`.`,
  );
}

/** Runs `use` with a loaded engine; on a terminal stderr says that it loads. The engine is gone afterwards. */
export async function withEngine(
  terminal: Terminal,
  options: EngineOptions,
  use: (engine: Engine) => Promise<void>,
): Promise<void> {
  const engine = await openEngine({ ...options, signal: terminal.signal, onProgress: loadingLine(terminal) });
  try {
    await use(engine);
    // A cancelled request is no error to the engine: it hands back what it has.
    if (terminal.signal.aborted) throw cancelled();
  } finally {
    await engine.dispose();
  }
}

/** `loading 40 %` in place, wiped when done; silent when stderr is not a terminal. */
function loadingLine({ stderr }: Terminal): (percent: number) => void {
  return percent => {
    if (stderr.isTTY) stderr.write(percent < 100 ? `\rloading ${Math.round(percent)} % ` : '\r\x1b[K');
  };
}

/** Hooks of a request that runs alone: nobody to give way to. */
export const hooksFor = (
  signal: AbortSignal,
  onEvent: (event: GenerateEvent) => void = () => {},
): RunHooks => ({
  signal,
  turn: async () => {},
  onEvent,
});

/** Hooks that print text as it comes, and what the model thinks aloud beside it. */
export const printingHooks = (terminal: Terminal, signal = terminal.signal): RunHooks =>
  hooksFor(signal, event => {
    if (event.type === 'text') print(terminal.stdout, event.text);
    if (event.type === 'reasoning') print(terminal.stderr, event.text);
  });

/** One line about speed, for people; stderr keeps it out of pipes. */
export async function reportUsage({ stderr }: Terminal, { usage, finish }: GenerateResult): Promise<void> {
  if (!stderr.isTTY) return;
  const speed =
    usage.decodeMs > 0 ? `${((usage.outputTokens / usage.decodeMs) * 1000).toFixed(1)} tokens/s` : '';
  const read = `${usage.promptTokens} tokens read (${usage.reusedTokens} reused) in ${(usage.prefillMs / 1000).toFixed(1)} s`;
  await writeLine(stderr, `\n[${read}, ${usage.outputTokens} written, ${speed}, ${finish}]`);
}
