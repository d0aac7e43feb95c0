/** What `moebius carve` can be given: weights on disk, or the id of a model whose published weights the store has. */
import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { MoebiusError } from '../base/errors.ts';
import { catalogue } from '../models/catalogue.ts';
import { hasExperts } from '../models/model-facts.ts';
import type { Store } from '../models/store.ts';

/** Throws `not-found` and `model-missing` with what to do, `unsupported` for a model that has experts already. */
export async function findWeights(text: string, store: Store): Promise<{ path: string; id: string }> {
  if (existsSync(text) || /\.gguf$/i.test(text)) {
    const path = resolve(text);
    return { path, id: basename(path).replace(/\.gguf$/i, '') };
  }
  const entry = catalogue().find(one => one.id === text);
  const installed = (await store.list()).filter(model => model.id === text);
  const [model] = installed;
  const isSparse = model ? model.manifest.experts?.kind === 'trained' : entry && hasExperts(entry.facts);
  if (isSparse) {
    throw new MoebiusError(
      'unsupported',
      `${text} has experts of its own: there is nothing to carve. Dense models can be carved.`,
    );
  }
  const hashes = installed.map(({ manifest }) => manifest.source.sha256);
  if (!model && entry?.kind === 'file') hashes.push(entry.sha256);
  const kept = hashes.map(sha256 => store.downloadPath(sha256));
  if (model || entry?.kind === 'repository') kept.push(store.repositoryFolder(text));
  const path = kept.find(existsSync);
  if (path) return { path, id: text };

  // With the variant that is there: adding could choose, and convert, another one.
  const add = `Run "moebius model add ${text}${model ? ` --variant ${model.variant}` : ''} --keep-source"`;
  if (!model && entry) throw new MoebiusError('model-missing', `${text} is not installed. ${add} first.`);
  if (!model) {
    const known = [...new Set((await store.list()).map(({ id }) => id))].join(', ') || 'none';
    throw new MoebiusError(
      'not-found',
      `There is no file or folder ${text}, and no model of that id; installed: ${known}.`,
    );
  }
  const gone = `Carving takes the published weights of ${text}, and they were not kept when it was converted.`;
  const origin = `Give the file or folder that it was made from instead of its id; if it came from an address, add that again with --keep-source.`;
  throw new MoebiusError('not-found', `${gone} ${entry ? `${add} to get and keep them.` : origin}`);
}
