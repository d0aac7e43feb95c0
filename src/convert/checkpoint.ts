/**
 * Published weights as the converter sees them, whatever kind of file they lie in: settings and tensors by the names that
 * Hugging Face's transformers gives them, so that an architecture is written down once.
 */
import { stat } from 'node:fs/promises';
import type { SpecialTokens } from '../models/manifest.ts';
import { openGgufCheckpoint } from './checkpoints/gguf.ts';
import { openSafetensorsCheckpoint } from './checkpoints/safetensors.ts';
import type { Config } from './config.ts';
import type { MatrixSource } from './weights.ts';

export interface Checkpoint {
  /** `model_type` of config.json, e.g. `qwen2` or `glm4_moe`. */
  architecture: string;
  config: Config;
  has(name: string): boolean;
  /** A matrix [rows, cols]; of a tensor with more dimensions all but the last are rows. Throws `format-invalid`. */
  matrix(name: string): MatrixSource;
  /** A whole tensor as float32. */
  vector(name: string): Promise<Float32Array>;
  /** Storage types of its tensors. */
  types: ReadonlySet<string>;
  /** Numbers in all tensors. */
  parameters: number;
  text: CheckpointText;
  sizeBytes: number;
  close(): Promise<void>;
}

export interface CheckpointText {
  /** In the shape of tokenizer.json. */
  tokenizer: object;
  /** Jinja source; empty where there is none. */
  chatTemplate: string;
  tokens: SpecialTokens;
}

/** Opens a GGUF file, or a folder of safetensors as its publisher lays it out. Throws `not-found`, `format-invalid`. */
export async function openCheckpoint(path: string): Promise<Checkpoint> {
  const found = await stat(path).catch(() => null);
  return found?.isDirectory() ? openSafetensorsCheckpoint(path) : openGgufCheckpoint(path);
}
