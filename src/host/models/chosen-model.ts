/** Which model is used here, read from the disk whenever it is asked for: the CLI may add one at any time. */
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { catalogue } from '../../models/catalogue.ts';
import { MANIFEST_NAME } from '../../models/manifest-file.ts';

/** Folder of the store: the setting, in which no shell reads the `~`, else MOEBIUS_HOME, else ~/.moebius. */
export const storeHome = (setting: string): string =>
  resolve(
    setting.replace(/^~(?=$|[/\\])/, homedir) || process.env.MOEBIUS_HOME || join(homedir(), '.moebius'),
  );

/** Ids of the models that have a manifest in the store. */
export function installedIds(home: string): string[] {
  const models = join(home, 'models');
  return namesIn(models)
    .filter(id =>
      namesIn(join(models, id)).some(variant => existsSync(join(models, id, variant, MANIFEST_NAME))),
    )
    .sort();
}

/** None in what is no folder, as a stray file, or can't be read. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** The model of the setting if it is there, else the catalogue's first that is, else any; null if there is none. */
export function chosenModel(home: string, setting: string): string | null {
  const installed = installedIds(home);
  const preferred = [setting, ...catalogue().map(entry => entry.id)];
  return preferred.find(id => installed.includes(id)) ?? installed[0] ?? null;
}
