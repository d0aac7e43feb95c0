/** A converted model as small as can be: four files and their manifest. */
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Manifest } from '../../../src/models/manifest.ts';
import { writeManifest } from '../../../src/models/manifest-file.ts';

const sha256 = (bytes: string) => createHash('sha256').update(bytes).digest('hex');
const CONTENTS = { 'body.onnx': 'graph', 'body.data': 'weights', 'head.onnx': 'head', 'head.data': 'more' };

export function manifestOf(id: string, variant: Manifest['variant']): Manifest {
  return {
    format: 6,
    id,
    name: 'Test',
    variant,
    architecture: 'qwen2',
    parameters: 10,
    dims: {
      layers: 1,
      hidden: 2,
      heads: 1,
      kvHeads: 1,
      headDim: 2,
      vocab: 5,
      feedForward: 4,
      trainedContext: 32,
      ropeTheta: 1e6,
      rmsEpsilon: 1e-6,
    },
    graphs: {
      body: { onnx: 'body.onnx', data: 'body.data' },
      routed: null,
      shortcut: null,
      head: { onnx: 'head.onnx', data: 'head.data' },
      drafter: null,
    },
    embedding: { kind: 'f32', file: 'head.data', offset: 0 },
    outputEmbedding: null,
    experts: {
      kind: 'carved',
      sharedNeurons: 2,
      routed: 2,
      routedNeurons: 1,
      levels: { exact: { readK: null, writeK: null, exactTail: 0, exactHead: 0 } },
    },
    tokens: { bos: null, eos: [4], pad: null, banned: [], fim: null },
    capabilities: { chat: true, fillInTheMiddle: false, toolCalls: false, levels: ['exact'] },
    license: 'MIT',
    source: { file: 'm.gguf', sha256: sha256(''), sizeBytes: 0 },
    files: Object.fromEntries(
      Object.entries(CONTENTS).map(([name, text]) => [
        name,
        { sha256: sha256(text), sizeBytes: text.length },
      ]),
    ),
    createdBy: 'test',
  };
}

export async function installModel(
  folder: string,
  id: string,
  variant: Manifest['variant'] = 'int4',
): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(CONTENTS)) await writeFile(join(folder, name), text);
  await writeManifest(folder, manifestOf(id, variant));
  return folder;
}
