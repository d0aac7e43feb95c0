/** Places in the model store, for tests that need a real model. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Manifest } from '../../src/models/manifest.ts';
import { Store, VARIANTS } from '../../src/models/store.ts';
import type { ModelVariant } from '../../src/protocol/daemon.ts';

const store = new Store(process.env.MOEBIUS_HOME || join(homedir(), '.moebius'));

/**
 * Skips what needs the files at `paths` where one is missing; with MOEBIUS_REQUIRE_MODEL=1, as in `npm test`, that is a failure.
 */
export function needFiles(context: Mocha.Context, ...paths: string[]): void {
  const missing = paths.find(path => !existsSync(path));
  if (missing === undefined) return;
  if (process.env.MOEBIUS_REQUIRE_MODEL === '1')
    throw new Error(`${missing} is missing; npm run test:daemon makes it.`);
  console.log(`      skipped: ${missing} is missing`);
  context.skip();
}

/** Makes `home` a store of its own with the same models, so that what a test's daemon saves is neither kept nor found. */
export function linkedStore(home: string): string {
  rmSync(home, { recursive: true, force: true });
  mkdirSync(join(home, 'models'), { recursive: true });
  const models = join(store.home, 'models');
  for (const id of existsSync(models) ? readdirSync(models) : []) {
    symlinkSync(join(models, id), join(home, 'models', id), 'junction');
  }
  return home;
}

export const variantFolder = (id: string, variant: ModelVariant): string => store.variantFolder(id, variant);

/** In whichever form. */
export const isInstalled = (id: string): boolean =>
  VARIANTS.some(variant => existsSync(join(variantFolder(id, variant), 'manifest.json')));

/** The published file that a model was made from, if it was kept (`model add --keep-source`). */
export function ggufOf(id: string): string | null {
  for (const variant of VARIANTS) {
    const file = join(variantFolder(id, variant), 'manifest.json');
    if (!existsSync(file)) continue;
    const manifest: Manifest = JSON.parse(readFileSync(file, 'utf8'));
    const gguf = store.downloadPath(manifest.source.sha256);
    if (existsSync(gguf)) return gguf;
  }
  return null;
}
