/**
 * node-llama-cpp as the thing to compare with. It is no dependency: installed on demand into .tools/llama, used by
 * `npm run bench` and `npm run eval -- --compare llama` only.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

export const LLAMA_VERSION = '3.22.1';
const FOLDER = join(__dirname, '..', '..', '.tools', 'llama');
const PACKAGE = join(FOLDER, 'node_modules', 'node-llama-cpp');

/** The part of node-llama-cpp's types that is used here. */
export interface LlamaSequence {
  dispose(): void;
  clearHistory(): Promise<void>;
  adaptStateToTokens(tokens: number[], allowShift?: boolean): Promise<void>;
  nextTokenIndex: number;
  evaluate(
    tokens: number[],
    options: { temperature: number; yieldEogToken?: boolean },
  ): AsyncGenerator<number>;
  controlledEvaluate(
    input: [number, { generateNext?: { probabilities?: boolean; logits?: { filter: LogitFilter } } }][],
  ): Promise<({ next: { logits?: Map<number, number>; probabilities?: Map<number, number> } } | undefined)[]>;
}
export interface LlamaTokenPredictor {
  /** The text in which drafts are looked up. */
  updateInputTokens(tokens: number[]): void;
}
interface LogitFilter {
  tokens: number[];
  includeMax?: boolean;
  includeTop?: number;
}
export interface LlamaContext {
  getSequence(options?: { tokenPredictor?: LlamaTokenPredictor }): LlamaSequence;
  batchSize: number;
  currentThreads: number;
  flashAttention: boolean | 'auto';
  dispose(): Promise<void>;
}
export interface LlamaModel {
  tokenize(text: string, specialTokens: boolean): number[];
  detokenize(tokens: readonly number[], specialTokens?: boolean, lastTokens?: readonly number[]): string;
  isEogToken(token: number): boolean;
  tokens: {
    infill: { prefix: number | null; suffix: number | null; middle: number | null };
    bos: number | null;
    shouldPrependBosToken: boolean;
  };
  useMmap: boolean;
  createContext(options: { contextSize: number; threads: number }): Promise<LlamaContext>;
  dispose(): Promise<void>;
}
export interface LoadedLlama {
  model: LlamaModel;
  context: LlamaContext;
  systemInfo: string;
  /** llama.cpp's own drafts from the prompt, with the library's defaults. */
  lookup(): LlamaTokenPredictor;
  dispose(): Promise<void>;
}

/** Installs the pinned version unless it is there. Throws with npm's own words when that fails. */
export function installLlama(): void {
  const manifest = join(PACKAGE, 'package.json');
  if (existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).version === LLAMA_VERSION) return;
  mkdirSync(FOLDER, { recursive: true });
  const names = ['node-llama-cpp', `@node-llama-cpp/${platformPackage()}`].map(
    name => `${name}@${LLAMA_VERSION}`,
  );
  const flags = [
    'install',
    '--prefix',
    FOLDER,
    '--omit=optional',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
  ];
  execFileSync('npm', [...flags, ...names], {
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  });
}

function platformPackage(): string {
  const { platform, arch } = process;
  if (platform === 'darwin') return arch === 'arm64' ? 'mac-arm64-metal' : 'mac-x64';
  if (platform === 'win32') return arch === 'arm64' ? 'win-arm64' : 'win-x64';
  return arch === 'arm64' ? 'linux-arm64' : 'linux-x64';
}

/** Loads a GGUF on the CPU with the library's defaults (mmap and flash attention as it chooses). */
export async function loadLlama(gguf: string, contextSize: number, threads: number): Promise<LoadedLlama> {
  const library = await import(pathToFileURL(join(PACKAGE, 'dist', 'index.js')).href);
  const llama = await library.getLlama({
    gpu: false,
    build: 'never',
    logLevel: 'error',
    maxThreads: threads,
  });
  const model: LlamaModel = await llama.loadModel({ modelPath: gguf });
  const context = await model.createContext({ contextSize, threads });
  return {
    model,
    context,
    systemInfo: llama.systemInfo,
    lookup: () => new library.InputLookupTokenPredictor(),
    dispose: () => llama.dispose(),
  };
}
