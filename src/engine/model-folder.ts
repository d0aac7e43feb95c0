/** Opens a converted model's folder: the manifest, and that its files are whole and safe before a runtime maps them. */
import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { MoebiusError } from '../base/errors.ts';
import { assertSafeOnnx } from '../formats/onnx.ts';
import { MANIFEST_FORMAT, type Manifest } from '../models/manifest.ts';

export interface ModelFolder {
  manifest: Manifest;
  /** Parsed tokenizer.json. */
  tokenizer: unknown;
  /** null for a model without one. */
  chatTemplate: string | null;
}

/** Throws `model-missing` without a manifest, `model-invalid` for anything that doesn't fit it, and what assertSafeOnnx throws. */
export async function openModelFolder(folder: string): Promise<ModelFolder> {
  const manifest = await readManifest(folder);
  await Promise.all(
    Object.entries(manifest.files).map(([name, { sizeBytes }]) => checkSize(folder, name, sizeBytes)),
  );
  const { body, routed, head } = manifest.graphs;
  for (const graph of [body, routed, head]) {
    if (!graph) continue;
    if (!(graph.onnx in manifest.files) || !(graph.data in manifest.files)) {
      throw invalid(`its manifest lists no ${graph.onnx} or ${graph.data}`);
    }
    await assertSafeOnnx(join(folder, graph.onnx));
  }
  if (!(manifest.embedding.file in manifest.files)) throw invalid('its manifest lists no embedding file');
  return {
    manifest,
    tokenizer: await readJson(join(folder, 'tokenizer.json')),
    chatTemplate: manifest.capabilities.chat ? await readText(join(folder, 'chat_template.jinja')) : null,
  };
}

async function readManifest(folder: string): Promise<Manifest> {
  let text: string;
  try {
    text = await readFile(join(folder, 'manifest.json'), 'utf8');
  } catch (cause) {
    throw new MoebiusError(
      'model-missing',
      `There is no converted model in ${folder}. Download or convert one.`,
      {
        cause,
      },
    );
  }
  const manifest = parseJson(text, 'manifest.json') as Partial<Manifest> | null;
  if (manifest?.format !== MANIFEST_FORMAT) {
    throw invalid(`its manifest has format ${manifest?.format}, this version reads ${MANIFEST_FORMAT}`);
  }
  for (const key of ['dims', 'graphs', 'embedding', 'tokens', 'capabilities', 'files'] as const) {
    if (typeof manifest[key] !== 'object' || manifest[key] === null)
      throw invalid(`its manifest has no ${key}`);
  }
  return manifest as Manifest;
}

async function checkSize(folder: string, name: string, sizeBytes: number): Promise<void> {
  if (name !== basename(name)) throw invalid(`its manifest names a file outside its folder: ${name}`);
  const found = await stat(join(folder, name)).catch(() => null);
  if (!found?.isFile()) throw invalid(`${name} is missing`);
  if (found.size !== sizeBytes) throw invalid(`${name} has ${found.size} bytes instead of ${sizeBytes}`);
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(cause => {
    throw invalid(`${basename(path)} can't be read`, cause);
  });
}

async function readJson(path: string): Promise<unknown> {
  return parseJson(await readText(path), basename(path));
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid(`${name} is no JSON`, cause);
  }
}

function invalid(reason: string, cause?: unknown): MoebiusError {
  return new MoebiusError(
    'model-invalid',
    `The model's folder is damaged: ${reason}. Convert or download it again.`,
    {
      cause,
    },
  );
}
