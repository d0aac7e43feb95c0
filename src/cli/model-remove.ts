/** `moebius model remove`: converted variants, with the last of them what they were made of, and what was left unfinished. */
import { Command } from 'commander';
import type { MoebiusError } from '../base/errors.ts';
import { catalogue } from '../models/catalogue.ts';
import { weightsBytes } from '../models/file-hash.ts';
import { packedBytes } from '../models/packed.ts';
import { openStore, type Store, type StoredModel } from '../models/store.ts';
import type { ModelVariant } from '../protocol/daemon.ts';
import { optionalVariantOption } from './engine-session.ts';
import { megabytes } from './progress.ts';
import { type Terminal, writeLine } from './terminal.ts';

interface RemoveOptions {
  variant?: ModelVariant;
  keepSource?: boolean;
}

export function modelRemoveCommand(terminal: Terminal): Command {
  return new Command('remove')
    .description('remove a model, one variant or all, and what an interrupted `model add` left of it')
    .argument('<id>')
    .addOption(optionalVariantOption())
    .option('--keep-source', 'keep the published weights; otherwise they go with the last variant')
    .addHelpText('after', '\nExample:\n  $ moebius model remove qwen2.5-coder-0.5b --variant fp32')
    .action(async (id: string, { variant, keepSource = false }: RemoveOptions) => {
      const store = await openStore();
      const models = (await store.list()).filter(model => model.id === id);
      const removed = models.filter(model => !variant || model.variant === variant);
      const parts: string[] = [];
      for (const model of removed)
        parts.push(part(model.variant, model.sizeBytes + (await packedBytes(model.path))));
      const missing = await store.remove(id, variant).then(
        () => null,
        (error: MoebiusError) => error,
      );
      if (missing && missing.code !== 'model-missing') throw missing;
      // With the last variant goes what was downloaded, whole or not, and may be kept for making others.
      const isLast = removed.length === models.length && !keepSource;
      const source = isLast ? await removeFetched(store, id, removed) : null;
      if (missing && !source) throw missing;
      if (source?.bytes) parts.push(part('the published weights', source.bytes));
      await writeLine(
        terminal.stdout,
        removed.length > 0
          ? `${id} removed: ${parts.join('; ')}.`
          : `What was unfinished of ${id}${variant ? ` (${variant})` : ''} is removed.`,
      );
    });
}

const part = (what: string, bytes: number): string => `${what}, ${megabytes(bytes)} MB`;

/** Removes what models were made of, and what the catalogue would make `id` of; says how much was whole. null if there is nothing. */
async function removeFetched(
  store: Store,
  id: string,
  models: readonly StoredModel[],
): Promise<{ bytes: number } | null> {
  const entry = catalogue().find(one => one.id === id);
  const hashes = new Set(models.map(({ manifest }) => manifest.source.sha256));
  if (entry?.kind === 'file') hashes.add(entry.sha256);
  let bytes = await weightsBytes(store.repositoryFolder(id));
  let wasThere = await store.removeRepository(id);
  for (const sha256 of hashes) {
    bytes += await weightsBytes(store.downloadPath(sha256));
    wasThere = (await store.removeDownload(sha256)) || wasThere;
  }
  return wasThere ? { bytes } : null;
}
