/** Where the models of a command are. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { MoebiusError } from '../base/errors.ts';
import type { ModelVariant } from '../protocol/daemon.ts';

const storeFolder = (): string => process.env.MOEBIUS_HOME ?? join(homedir(), '.moebius');

/** Folder of a converted model; without an id the first of the store. Throws `model-missing`. */
export async function findModel(id: string | undefined, variant: ModelVariant): Promise<string> {
  const root = join(storeFolder(), 'models');
  const ids = await readdir(root).catch(() => []);
  const found = (id ? [id] : ids)
    .map(name => join(root, name, variant))
    .find(folder => existsSync(join(folder, 'manifest.json')));
  if (found) return found;
  throw new MoebiusError(
    'model-missing',
    id ? `Model ${id} (${variant}) is not installed.` : 'No model is installed.',
  );
}
