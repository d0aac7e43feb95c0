/**
 * What speaks against git reading in a folder unasked. It obeys the configuration of the repository there, which an archive may bring
 * along. Which repository that is, and what it has, git itself is asked: nothing is read here in another way than git reads it.
 */
import { isUtf8 } from 'node:buffer';
import { lstat, readdir, readFile, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { cancelled, MoebiusError } from '../base/errors.ts';
import { isInside, type WorkspaceFolders } from './folders.ts';
import { unusualVariable } from './git-config.ts';
import { askGit, GitFailed, type GitQuestion, gitOutput } from './process.ts';

/** In one repository, those in them included. */
const MAX_REPOSITORIES = 300;
/** Of those in it, for each of which git is started a few times. */
const AT_ONCE = 8;
/** For all that git is asked. */
const TIMEOUT_MS = 10_000;
/** Exit code of git where there is no repository. */
const GIT_FAILED = 128;
/** Of a git folder: others' repositories, large files, and what git runs only when it writes. */
const NOT_SEARCHED = new Set(['modules', 'worktrees', 'lfs', 'hooks']);
/** As git enters a repository in another one. */
const ENTERED = '--git-dir=.git';
/** Of the variables that belong to one repository, git takes these along into those in it. */
const TAKEN_ALONG = new Set(['GIT_CONFIG_PARAMETERS', 'GIT_CONFIG_COUNT']);

const FILES_ELSEWHERE = 'this repository has its files in another folder';

interface Repository {
  /** Where its files are. */
  tree: string;
  /** The git folder, and the one that it shares with other work trees. */
  own: string;
  common: string;
  /** Of its configuration. */
  keys: string[];
}

/**
 * null: nothing. @param comparesFiles that it compares two files where there is no repository
 * @throws MoebiusError `cancelled` when the signal ends it.
 */
export async function gitRisk(
  folders: WorkspaceFolders,
  folder: string,
  comparesFiles: boolean,
  { signal, timeoutMs = TIMEOUT_MS }: { signal?: AbortSignal | undefined; timeoutMs?: number } = {},
): Promise<string | null> {
  const deadline = AbortSignal.timeout(timeoutMs);
  const either = signal ? AbortSignal.any([signal, deadline]) : deadline;
  try {
    return await riskIn(
      folders,
      { folder: await realFolder(folders, folder), signal: either },
      comparesFiles,
    );
  } catch (error) {
    if (signal?.aborted) throw cancelled();
    if (deadline.aborted) return 'git took too long to say what it would read here';
    if (error instanceof MoebiusError) return error.message;
    const { syscall, code } = error as NodeJS.ErrnoException;
    if (!syscall) throw error;
    return `what git would read here can't be looked at (${code})`;
  }
}

async function riskIn(
  folders: WorkspaceFolders,
  question: GitQuestion,
  comparesFiles: boolean,
): Promise<string | null> {
  if (!(await hasRepository(question)))
    return comparesFiles ? 'git compares any files here, since there is no repository' : null;
  const repository = await repositoryAt(question);
  return (await placeRisk(repository, question, folders)) ?? (await configRisk(repository, question.signal));
}

async function realFolder(folders: WorkspaceFolders, folder: string): Promise<string> {
  const found = await folders.resolve(folder || '.').catch(error => {
    if (error instanceof MoebiusError) return null;
    throw error;
  });
  if (!found?.exists)
    throw new MoebiusError('not-found', 'git would read in what is no folder of the workspace');
  return found.real;
}

/** Whether git finds a repository for a folder, or may: there is a `.git`, or the environment names one. */
async function hasRepository(question: GitQuestion): Promise<boolean> {
  if ((await nearestTree(question.folder)) !== null) return true;
  return askGit(question, 'rev-parse', '--git-dir').then(
    () => true,
    error => {
      if (error instanceof GitFailed && error.exitCode === GIT_FAILED) return false;
      throw error;
    },
  );
}

async function repositoryAt(question: GitQuestion): Promise<Repository> {
  const [said, keys] = await Promise.all([
    askGit(question, 'rev-parse', '--absolute-git-dir', '--git-common-dir', '--show-toplevel'),
    keysOf(question),
  ]);
  const paths = said.split('\n').map(utf8);
  // A path with a line break makes more of them.
  if (paths.length !== 4) throw untold();
  const [own, common, tree] = await Promise.all(
    paths.slice(0, 3).map(path => realpath(resolve(question.folder, path))),
  );
  return { tree: tree!, own: own!, common: common!, keys };
}

/** Whether what git reads is the user's here, and not brought here from elsewhere by a link or a configuration. */
async function placeRisk(
  repository: Repository,
  { folder, signal }: GitQuestion,
  folders: WorkspaceFolders,
): Promise<string | null> {
  const { tree, own, common } = repository;
  if (tree !== (await nearestTree(folder))) return FILES_ELSEWHERE;
  const isHere = [own, common].every(path => isInside(tree, path) || folders.toPath(path) !== null);
  if (!isHere && !(await linksBack(repository))) return 'the git folder of this repository is elsewhere';
  const alternates = await lstat(join(common, 'objects/info/alternates')).catch(() => null);
  const links = [...new Set([common, own])].map(path => holdsLink(path, signal, NOT_SEARCHED));
  if (alternates || (await Promise.all(links)).includes(true))
    return 'this repository takes files from another one';
  return null;
}

/** The folder at or above this one that git takes for the top of a repository. */
async function nearestTree(folder: string): Promise<string | null> {
  if (await exists(join(folder, '.git'))) return folder;
  return folder === dirname(folder) ? null : nearestTree(dirname(folder));
}

/** A git folder elsewhere says that this tree is one of its: a further work tree, or a submodule. No archive has written there. */
async function linksBack({ tree, own, common, keys }: Repository): Promise<boolean> {
  if (own === common) return keys.includes('core.worktree');
  if (dirname(own) !== join(common, 'worktrees')) return false;
  const back = resolve(own, (await readFile(join(own, 'gitdir'), 'utf8')).replace(/\n$/, ''));
  return basename(back) === '.git' && (await realpath(dirname(back))) === tree;
}

/** git puts none there, and what is read through one may be anybody's. */
async function holdsLink(
  folder: string,
  signal: AbortSignal,
  skipped?: ReadonlySet<string>,
): Promise<boolean> {
  signal.throwIfAborted();
  const entries = await readdir(folder, { withFileTypes: true }).catch(error => {
    // git tidies up meanwhile.
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  if (entries.some(entry => entry.isSymbolicLink())) return true;
  const inner = entries.filter(entry => entry.isDirectory() && !skipped?.has(entry.name));
  return (await Promise.all(inner.map(({ name }) => holdsLink(join(folder, name), signal)))).includes(true);
}

/** Of the repository, and of those in its index: git enters them to see whether they have changed. */
async function configRisk({ tree, keys }: Repository, signal: AbortSignal): Promise<string | null> {
  const unusual = unusualVariable(keys);
  if (unusual) return described(unusual);
  const question = { folder: tree, signal };
  const found = await repositoriesIn(question);
  if (found.length === 0) return null;
  const variables = (await askGit(question, 'rev-parse', '--local-env-vars')).split('\n');
  const without = variables.filter(name => !TAKEN_ALONG.has(name));
  const enter = (folder: string) => entered({ folder, signal, without });
  // The list grows while it is gone through.
  for (let done = 0; done < found.length; ) {
    if (found.length > MAX_REPOSITORIES) return 'this repository has too many others in it';
    const batch = found.slice(done, done + AT_ONCE);
    done += batch.length;
    for (const { risk, inner } of await Promise.all(batch.map(enter))) {
      if (risk) return risk;
      found.push(...inner);
    }
  }
  return null;
}

/** What git comes to when it enters a repository that an index has. */
async function entered(question: GitQuestion): Promise<{ risk: string | null; inner: string[] }> {
  const { folder } = question;
  if (!(await exists(join(folder, '.git')))) return { risk: null, inner: [] };
  const [keys, tree] = await Promise.all([
    keysOf(question, ENTERED),
    askGit(question, ENTERED, 'rev-parse', '--show-toplevel'),
  ]);
  const unusual = unusualVariable(keys);
  if (unusual) return { risk: described(unusual), inner: [] };
  const isHere = (await realpath(utf8(tree).slice(0, -1))) === (await realpath(folder));
  if (!isHere) return { risk: FILES_ELSEWHERE, inner: [] };
  return { risk: null, inner: await repositoriesIn(question, ENTERED) };
}

const described = (variable: string): string =>
  `the configuration of this repository has ${variable}, with which git may do more than read`;

/** Of the configuration of the repository itself: that of the user and of the computer is theirs. */
async function keysOf(question: GitQuestion, ...options: string[]): Promise<string[]> {
  const said = await askGit(question, ...options, 'config', '--list', '--show-scope', '--name-only', '-z');
  const parts = said.split('\0');
  return parts.filter((_, index) => index % 2 && !/^(system|global|command)$/.test(parts[index - 1]!));
}

/**
 * What the index has as repositories, submodules or not, asked at the top of the files. Called when the configuration is known, since it
 * may have objects fetched. No more are told than too many: an index may have a million files.
 */
async function repositoriesIn(question: GitQuestion, ...options: string[]): Promise<string[]> {
  const found: string[] = [];
  let rest = '';
  for await (const chunk of gitOutput(question, ...options, 'ls-files', '--stage', '-z')) {
    const entries = `${rest}${chunk}`.split('\0');
    rest = entries.pop()!;
    for (const entry of entries)
      if (entry.startsWith('160000 '))
        found.push(join(question.folder, utf8(entry.slice(entry.indexOf('\t') + 1))));
    if (found.length > MAX_REPOSITORIES) break;
  }
  return found;
}

const exists = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return false;
      throw error;
    },
  );

/** Of one character a byte. */
function utf8(text: string): string {
  const bytes = Buffer.from(text, 'latin1');
  if (!isUtf8(bytes)) throw untold();
  return bytes.toString();
}

/** git prints no path here that can be told from others. */
const untold = (): MoebiusError =>
  new MoebiusError('unsupported', 'git reads a folder here whose name is no plain text');
