/** Opens a converted model's folder, having seen that its files are whole and safe before a runtime maps them. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MoebiusError } from '../base/errors.ts';
import { assertSafeOnnx } from '../formats/onnx.ts';
import { assertSafePacked } from '../formats/onnx-packed.ts';
import type { Manifest } from '../models/manifest.ts';
import { graphFiles, readManifest } from '../models/manifest-file.ts';
import { PACKED_GRAPHS, packedFolder } from '../models/packed.ts';

export interface ModelFolder {
  manifest: Manifest;
  /** Parsed tokenizer.json. */
  tokenizer: unknown;
  /** null for a model without one. */
  chatTemplate: string | null;
  /** Folder of the graphs with packed weights that fit this processor; null if there are none. */
  packed: string | null;
}

/**
 * Sizes are compared, hashes are not: that would read gigabytes (models/manifest-file.ts has verifyModel for it).
 * Throws `model-missing`, `model-invalid`, or `format-invalid` for an unsafe graph.
 */
export async function openModelFolder(folder: string): Promise<ModelFolder> {
  const manifest = await readManifest(folder);
  for (const [name, { sizeBytes }] of Object.entries(manifest.files)) {
    const found = await stat(join(folder, name)).catch(() => null);
    if (!found?.isFile()) throw damaged(`${name} is missing`);
    if (found.size !== sizeBytes) throw damaged(`${name} has ${found.size} bytes instead of ${sizeBytes}`);
  }
  for (const { onnx } of graphFiles(manifest)) await assertSafeOnnx(join(folder, onnx));
  return {
    manifest,
    tokenizer: await readTokenizer(folder),
    chatTemplate: manifest.capabilities.chat ? await readText(folder, 'chat_template.jinja') : null,
    packed: await safePacked(folder),
  };
}

/** What is wrong with them is no reason to refuse the model. */
async function safePacked(folder: string): Promise<string | null> {
  const packed = await packedFolder(folder);
  if (!packed) return null;
  try {
    for (const name of PACKED_GRAPHS) {
      await assertSafeOnnx(join(packed, `${name}.onnx`));
      await assertSafePacked(join(packed, `${name}.onnx`));
    }
    return packed;
  } catch {
    return null;
  }
}

async function readTokenizer(folder: string): Promise<unknown> {
  const text = await readText(folder, 'tokenizer.json');
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw damaged('tokenizer.json is no JSON', cause);
  }
}

function readText(folder: string, name: string): Promise<string> {
  return readFile(join(folder, name), 'utf8').catch(cause => {
    throw damaged(`${name} can't be read`, cause);
  });
}

function damaged(problem: string, cause?: unknown): MoebiusError {
  return new MoebiusError('model-invalid', `The model is damaged: ${problem}. Convert it again.`, { cause });
}
