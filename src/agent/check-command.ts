/** How a project is checked: as the user says, or as what lies beside the open file lets guess. It runs with the usual approval. */
import type { AgentOptions } from './agent.ts';
import type { ShellKind } from './commands/judge.ts';
import { shownData } from './data-text.ts';
import type { WorkspacePort } from './ports.ts';

export type ProjectCheck = Pick<AgentOptions, 'checkCommand' | 'checkFolder' | 'isCheckGuessed'>;

/** In place of a command: the project is not checked. */
const NONE = 'none';
/** [a file of a project, the command]; the first that is there decides. */
const BY_FILE: readonly (readonly [string, string])[] = [
  ['Cargo.toml', 'cargo test'],
  ['go.mod', 'go test ./...'],
];
/** The nearest lock file tells the package manager. */
const BY_LOCK: readonly (readonly [string, string])[] = [
  ['pnpm-lock.yaml', 'pnpm test'],
  ['yarn.lock', 'yarn test'],
  ['package-lock.json', 'npm test'],
];
/** Files of a project that may say that it is tested with pytest. */
const PYTHON_PROJECT = ['pyproject.toml', 'setup.cfg', 'tox.ini'];
/** Those that say it of a project only where they lie at its root: test folders have them too. */
const PYTHON_ROOT = ['requirements.txt', 'requirements-dev.txt'];
/** A folder with more names than this is not a project's. */
const FOLDER_ENTRIES = 500;

interface Folder {
  path: string;
  names: ReadonlySet<string>;
  /** Of the workspace. */
  isRoot: boolean;
}

/**
 * `setting`: what the user says; null: nothing. `roots`: what paths into each folder of the workspace begin with. What is guessed is
 * that of the project in which the open file is.
 */
export async function projectCheck(
  setting: string | null,
  workspace: WorkspacePort,
  { roots, openFile }: { roots: readonly string[]; openFile: string | null },
  shell: ShellKind,
): Promise<ProjectCheck> {
  if (setting === NONE) return { checkCommand: null };
  const root = roots.find(one => openFile?.startsWith(one)) ?? roots[0] ?? '';
  if (setting !== null) return { checkCommand: setting, checkFolder: withoutSlash(root) };
  // Of several folders none is more likely than another.
  if (openFile === null && roots.length > 1) return { checkCommand: null };
  const folders = await foldersAbove(workspace, root, openFile ?? root);
  for (const [index, folder] of folders.entries()) {
    const checkCommand = await guess(workspace, folder, folders.slice(index), shell);
    if (checkCommand !== null) return { checkCommand, checkFolder: folder.path, isCheckGuessed: true };
  }
  return { checkCommand: null };
}

/** "`npm test` in packages/a" */
export const checkName = ({ checkCommand, checkFolder = '' }: ProjectCheck): string =>
  `\`${checkCommand}\`${folderName(checkFolder)}`;

/** Behind a command: " in packages/a", or nothing at the root. */
export const folderName = (folder: string): string => folder && ` in ${shownData(folder)}`;

/**
 * Why a run tells nothing about the code, to be read after the command's name: what was guessed is not how this project is checked.
 * null: it tells something.
 */
export function whyUseless(command: string, exitCode: number | null, output: string): string | null {
  if (exitCode === 0) return null;
  // Windows has its own code, or only words, for a program that is not there.
  if (
    [126, 127, 9009].includes(exitCode ?? 0) ||
    /is not recognized as (?:an internal|the name)/.test(output)
  )
    return 'can not run here';
  if (/No module named '?pytest\b/.test(output)) return 'can not run, because pytest is not installed';
  const isEmpty = exitCode === 5 && /\bpytest\b/.test(command);
  return isEmpty || /^\W*(?:Error: )?No tests? (?:files? )?found\b/im.test(output) ? 'found no tests' : null;
}

/** For the user, when what was guessed is `useless`. */
export const guessedWrong = (name: string, useless: string): string =>
  `${name} ${useless}. It was guessed; the setting "moebius.agent.checkCommand" can say how the project is checked, or "${NONE}".`;

/** `why`, for the user who wanted something else than the check. */
export const withoutCheck = (why: string): string => `The task goes on without a check: ${why}`;

/** The folder of a file and those above it, the nearest first. */
function foldersAbove(workspace: WorkspacePort, root: string, file: string): Promise<Folder[]> {
  const parts = file.slice(root.length).split('/').slice(0, -1);
  const below = parts.map((_, index) => root + parts.slice(0, index + 1).join('/')).reverse();
  const paths = [...below, withoutSlash(root)];
  return Promise.all(
    paths.map(async (path, index) => {
      // One that can't be looked into tells nothing.
      const entries = await workspace.list(path, { recursive: false, limit: FOLDER_ENTRIES }).catch(() => []);
      const names = new Set(entries.map(entry => entry.path.slice(entry.path.lastIndexOf('/') + 1)));
      return { path, names, isRoot: index === paths.length - 1 };
    }),
  );
}

/** null: nothing in the folder tells. `upward`: it and those above it. */
async function guess(
  workspace: WorkspacePort,
  folder: Folder,
  upward: readonly Folder[],
  shell: ShellKind,
): Promise<string | null> {
  const { names } = folder;
  if (names.has('package.json') && (await hasTestScript(workspace, folder))) {
    const locks = upward.flatMap(one => BY_LOCK.filter(([name]) => one.names.has(name)));
    return locks[0]?.[1] ?? 'npm test';
  }
  const byFile = BY_FILE.find(([name]) => names.has(name));
  if (byFile) return byFile[1];
  // Elsewhere `python` is often missing, or an old one.
  if (await namesPytest(workspace, folder))
    return `${shell === 'windows' ? 'python' : 'python3'} -m pytest -q`;
  return names.has('pom.xml') ? 'mvn -q test' : null;
}

async function hasTestScript(workspace: WorkspacePort, folder: Folder): Promise<boolean> {
  try {
    const { scripts } = JSON.parse(await textOf(workspace, folder, 'package.json')) as {
      scripts?: { test?: unknown };
    };
    // What `npm init` writes is no test.
    return typeof scripts?.test === 'string' && !scripts.test.includes('no test specified');
  } catch {
    return false;
  }
}

async function namesPytest(workspace: WorkspacePort, folder: Folder): Promise<boolean> {
  const { names, isRoot } = folder;
  if (names.has('pytest.ini') || (isRoot && names.has('conftest.py'))) return true;
  const files = [...PYTHON_PROJECT, ...(isRoot ? PYTHON_ROOT : [])].filter(name => names.has(name));
  const texts = await Promise.all(files.map(name => textOf(workspace, folder, name)));
  return texts.some(text => /\bpytest\b/.test(text));
}

/** '' for what can't be read. */
async function textOf(workspace: WorkspacePort, { path }: Folder, name: string): Promise<string> {
  const file = await workspace.read(path ? `${path}/${name}` : name).catch(() => null);
  return file?.text ?? '';
}

const withoutSlash = (folder: string): string => folder.replace(/\/$/, '');
