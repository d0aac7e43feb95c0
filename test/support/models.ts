/** Places in the model store, for tests that need a real model. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { ModelVariant } from '../../src/protocol/daemon.ts';

const store = process.env.MOEBIUS_HOME ?? join(homedir(), '.moebius');

export const variantFolder = (id: string, variant: ModelVariant): string =>
  join(store, 'models', id, variant);

export function ggufOf(id: string): string | null {
  const file = join(store, 'sources', `${id}.gguf`);
  return existsSync(file) ? file : null;
}
