/** The files that are typed, fetched from the registries through npm and pip into `.cache/replay`; none is committed. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, run } from '../../scripts/steps.ts';
import type { ContextFile } from '../../src/completion/context/context-file.ts';
import { recordSession } from '../bench/typing-script.ts';
import { everyNth } from '../eval/cut.ts';
import { type Language, PACKAGES, type Package } from './packages.ts';

const CACHE = join(ROOT, '.cache', 'replay');
const EXTENSIONS: Readonly<Record<Language, RegExp>> = {
  typescript: /(?<!\.d)\.ts$/,
  javascript: /\.m?js$/,
  python: /\.py$/,
};
/** Shorter ones have too little around the cursor, longer ones are typed for too long. */
const LINES = { least: 120, most: 600 };
/** Not written by hand, or about nothing. */
const UNTYPICAL =
  /(?:^|\/)(?:tests?|__tests__|dist|build|umd|esm|locales?|legacy-esm|benchmarks?)\/|\.min\.|\.(?:test|bench)\./;

export interface SourceFile {
  language: Language;
  /** Package and path. */
  name: string;
  text: string;
  /** The package's others in its language, by name and whatever their length; copies of this one are left out. */
  others: readonly ContextFile[];
}

/** `perLanguage` files of each language, evenly spread over its packages, always the same. */
export async function sourceFiles(perLanguage: number): Promise<SourceFile[]> {
  const files: SourceFile[] = [];
  for (const language of Object.keys(EXTENSIONS) as Language[]) {
    const all: SourceFile[] = [];
    for (const source of PACKAGES.filter(each => each.language === language))
      all.push(...filesOf(source, await fetched(source)));
    files.push(...everyNth(all, perLanguage));
  }
  return files;
}

async function fetched({ registry, name, version }: Package): Promise<string> {
  const folder = join(CACHE, `${name.replace('/', '+')}-${version}`);
  if (existsSync(folder)) return folder;
  const work = `${folder}.part`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  if (registry === 'npm') {
    await run('npm', ['pack', '--silent', `${name}@${version}`], { cwd: work });
    const archive = readdirSync(work).find(file => file.endsWith('.tgz'))!;
    await run('tar', ['-xzf', archive], { cwd: work });
  } else {
    await run('python3', ['-m', 'pip', 'download', '-q', '--no-deps', `${name}==${version}`], { cwd: work });
    const archive = readdirSync(work).find(file => file.endsWith('.whl'))!;
    await run('python3', ['-m', 'zipfile', '-e', archive, '.'], { cwd: work });
  }
  renameSync(work, folder);
  return folder;
}

function filesOf({ name, language }: Package, folder: string): SourceFile[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map(path => path.replaceAll('\\', '/'))
    .filter(path => EXTENSIONS[language].test(path) && !UNTYPICAL.test(path))
    .sort()
    .map(path => ({
      path: `${name}/${path}`,
      text: readFileSync(join(folder, path), 'utf8').replaceAll('\r\n', '\n'),
    }));
  return files
    .filter(({ text }) => {
      const count = text.split('\n').length;
      return count >= LINES.least && count <= LINES.most && canBeTyped(text);
    })
    .map(({ path, text }) => ({
      language,
      name: path,
      text,
      others: files.filter(other => other.text !== text),
    }));
}

/** Enough of its lines can be left out and typed back. */
function canBeTyped(text: string): boolean {
  try {
    return recordSession(text, 1).keys.length > 0;
  } catch {
    return false;
  }
}
