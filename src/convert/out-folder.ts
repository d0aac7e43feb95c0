/** Which folders a conversion may replace: what is there is removed with everything in it. */
import { readdir, readFile, realpath } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import { MoebiusError } from '../base/errors.ts';
import { MANIFEST_NAME } from '../models/manifest-file.ts';

/** Where a model is made that is to be `folder`; what an interrupted conversion left there is removed by the next. */
export const buildFolder = (folder: string): string => `${folder}.partial`;
/** A file in it that tells it from anyone's folder of that name. */
export const BUILD_MARK = '.moebius-conversion';

/**
 * Throws `bad-request` unless `folder`, and the one that it is made in, are missing, empty or converted models of any version,
 * whole or not, and `source` (a file or a folder) lies outside of both.
 */
export async function assertReplaceable(folder: string, source: string): Promise<void> {
  for (const replaced of [folder, buildFolder(folder)]) await assertOurs(replaced, source);
}

async function assertOurs(folder: string, source: string): Promise<void> {
  const found = await realpath(folder).catch(() => null);
  if (found === null) return;
  const weights = await realpath(source).catch(() => null);
  if (weights !== null && isWithin(found, weights)) {
    throw refusal(folder, 'holds the weights that are to be converted');
  }
  const names = await readdir(found).catch(() => null);
  if (names === null) throw refusal(folder, 'is no folder');
  if (names.length > 0 && !names.includes(BUILD_MARK) && !(await isConverted(found))) {
    throw refusal(folder, `holds something other than a converted model (${names[0]}, for one)`);
  }
}

/** `path` is `folder` or lies in it. */
function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** Older formats can't be loaded, but may be made anew. */
async function isConverted(folder: string): Promise<boolean> {
  try {
    const manifest = JSON.parse(await readFile(join(folder, MANIFEST_NAME), 'utf8'));
    return Number.isInteger(manifest.format) && typeof manifest.createdBy === 'string';
  } catch {
    return false;
  }
}

const refusal = (folder: string, problem: string): MoebiusError =>
  new MoebiusError(
    'bad-request',
    `${folder} ${problem}, and it would be replaced. Choose another folder to write to, or remove this one yourself.`,
  );
