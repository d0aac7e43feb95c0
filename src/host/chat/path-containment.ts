import { isAbsolute, relative, sep } from 'node:path';

/** Whether `path` is `folder` or below it; both absolute and free of links. `/a/bc` is not inside `/a/b`. */
export function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}
