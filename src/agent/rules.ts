/**
 * What the user and the project want the agent to heed: AGENTS.md files from each folder of the workspace down to the open file,
 * `.moebius/rules`, and the names of skills, whose text the model reads when it needs one. Files of a workspace that is not trusted
 * are not read: they would be instructions of a stranger.
 */

import { shownData } from './data-text.ts';
import { readFrontMatter } from './front-matter.ts';
import { normalisePath } from './paths.ts';
import type { WorkspacePort } from './ports.ts';

/**
 * Of UTF-8: some 2,000 tokens in most languages, where as many characters would be up to 7,000. Rules are read with every task, and
 * a small window must have room for the work.
 */
const MAX_BYTES = 8000;
const MAX_SKILLS = 30;
/** Folders of skills that are looked at: a workspace may hold anything. */
const MOST_READ = 200;
const DESCRIPTION_CHARS = 200;

export interface RulesOptions {
  /** From the user's own settings. */
  userRules: string;
  isTrusted: boolean;
  /** What paths into each folder of the workspace begin with: `['']` for one folder, `['api/', 'web/']` for two. */
  roots: readonly string[];
  /** AGENTS.md beside it and above it apply. */
  openFile: string | null;
  /** Skills are named to who can read their files. */
  canReadFiles: boolean;
}

export interface Rules {
  /** For the system prompt; '' without any. */
  text: string;
  /** What was left out because there is too much of it, for the user; null: nothing. */
  cut: string | null;
  /** What the workspace's files say, by their paths: for whoever watches over their changes. Skills too, which are called by name. */
  said: Readonly<Record<string, string>>;
}

interface RulesPart {
  /** Where it comes from, for the user. */
  source: string;
  text: string;
}

export interface RulesFile {
  path: string;
  text: string;
}

/** What is too long is cut: the text says so to the model, `cut` to the user. `workspace` null: there is none. */
export async function readRules(workspace: WorkspacePort | null, options: RulesOptions): Promise<Rules> {
  const { userRules, isTrusted, roots, canReadFiles } = options;
  const own = userRules.trim();
  const parts: RulesPart[] =
    own === '' ? [] : [{ source: 'your own rules', text: `Rules of the user:\n${own}` }];
  const files =
    isTrusted && workspace ? await readFiles(workspace, await rulesFiles(workspace, options)) : [];
  for (const file of files) parts.push({ source: file.path, text: rulesText([file]) });
  const skills = workspace ? await readSkills(workspace, isTrusted, roots) : [];
  const named = canReadFiles ? skills : [];
  const listed = named.slice(0, MAX_SKILLS).map(skillLine).join('\n');
  if (listed !== '')
    parts.push({
      source: 'the list of skills',
      text: `Skills. When one fits the task, read its file first:\n${listed}`,
    });
  const said = Object.fromEntries([...files, ...skills].map(({ path, text }) => [path, text]));
  return { ...fitted(parts, named.slice(MAX_SKILLS)), said };
}

/** What the model reads of such a file begins with it. */
export const headOf = (path: string): string => `Rules in ${path}:\n`;

export const rulesText = (files: readonly RulesFile[]): string =>
  files.map(({ path, text }) => headOf(path) + shownData(readFrontMatter(text).body)).join('\n\n');

/** AGENTS.md of each folder below the workspace on the way to `path`, which may be one, the nearest last; none of a path outside. */
export async function folderRules(workspace: WorkspacePort, path: string): Promise<RulesFile[]> {
  try {
    const folders = await heededFolders(workspace, asFolder(path));
    return await readFiles(workspace, folders.map(agentsFile));
  } catch {
    return [];
  }
}

/** Where `folderRules` looks, the nearest last, whether something is there or not. */
export function rulesPlaces(path: string): string[] {
  try {
    return foldersOf(asFolder(path)).map(agentsFile);
  } catch {
    return [];
  }
}

const asFolder = (path: string): string => `${normalisePath(path)}/`.replace(/^\/$/, '');

/** Those that say anything. */
async function readFiles(workspace: WorkspacePort, paths: readonly string[]): Promise<RulesFile[]> {
  const read = await Promise.all(paths.map(async path => ({ path, text: await textOf(workspace, path) })));
  return read.filter(({ text }) => text !== '');
}

/** Of a path with its `/`: `a/b.ts` is in `a/`. */
const foldersOf = (path: string): string[] => {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, index) => `${parts.slice(0, index + 1).join('/')}/`);
};
/** Those whose rules count: not packages that were installed, whose authors are strangers in a workspace that is trusted, too. */
async function heededFolders(workspace: WorkspacePort, path: string): Promise<string[]> {
  const folders = foldersOf(path);
  const isIgnored = await Promise.all(folders.map(folder => workspace.isIgnored(folder).catch(() => true)));
  return folders.filter((_, index) => !isIgnored[index]);
}

const agentsFile = (folder: string): string => `${folder}AGENTS.md`;

/** In the room that rules have; where they are cut, the text says so. */
export function cappedRules(text: string): { text: string; bytes: number; isWhole: boolean } {
  const bytes = new TextEncoder().encode(text);
  const isWhole = bytes.length <= MAX_BYTES;
  const shown = isWhole ? text : `${beginOf(bytes)}\n(The rules are longer; the rest is left out.)`;
  return { text: shown, bytes: bytes.length, isWhole };
}

/** `unlisted`: skills for which there is no place in the list. */
function fitted(parts: readonly RulesPart[], unlisted: readonly Skill[]): Omit<Rules, 'said'> {
  const said: string[] = [];
  const { text, bytes, isWhole } = cappedRules(joined(parts));
  if (!isWhole) {
    const isBeyond = (_: RulesPart, index: number) =>
      new TextEncoder().encode(joined(parts.slice(0, index + 1))).length > MAX_BYTES;
    const beyond = parts.filter(isBeyond);
    said.push(
      `The rules are ${count(bytes)} bytes long and the agent reads the first ${count(MAX_BYTES)}. ` +
        `Cut or left out: ${beyond.map(({ source }) => source).join(', ')}.`,
    );
  }
  if (unlisted.length > 0)
    said.push(
      `There are more than ${MAX_SKILLS} skills: the agent is not told of ${unlisted.map(({ name }) => name).join(', ')}.`,
    );
  return {
    text,
    cut: said.length > 0 ? said.join(' ') : null,
  };
}

/** Up to the last character that is whole. */
const beginOf = (bytes: Uint8Array): string =>
  new TextDecoder().decode(bytes.subarray(0, MAX_BYTES), { stream: true });

const joined = (parts: readonly RulesPart[]): string => parts.map(({ text }) => text).join('\n\n');
const count = (bytes: number): string => bytes.toLocaleString('en');

/** AGENTS.md from the folders of the workspace down, so that what is nearer is read last, then the workspace's own rules. */
async function rulesFiles(
  workspace: WorkspacePort,
  { roots, openFile }: Pick<RulesOptions, 'roots' | 'openFile'>,
): Promise<string[]> {
  const folders = new Set([...roots, ...(await heededFolders(workspace, openFile ?? ''))]);
  const own = await inEach(roots, root => markdownIn(workspace, `${root}.moebius/rules`));
  return [...[...folders].map(agentsFile), ...own];
}

/** What `read` finds in each of `roots`, in their order. */
export const inEach = async <T>(
  roots: readonly string[],
  read: (root: string) => Promise<T[]>,
): Promise<T[]> => (await Promise.all(roots.map(read))).flat();

export interface Skill {
  name: string;
  description: string;
  path: string;
  /** Without its header. */
  text: string;
}

const skillLine = ({ name, description, path }: Skill): string =>
  `- ${shownData(`${name}: ${description}`)} (${path})`;

/** Those of a trusted workspace that say what they are for. */
export async function readSkills(
  workspace: WorkspacePort,
  isTrusted: boolean,
  roots: readonly string[],
): Promise<Skill[]> {
  if (!isTrusted) return [];
  const entries = await inEach(roots, root => entriesOf(workspace, `${root}.moebius/skills`));
  const folders = entries.filter(entry => entry.kind === 'directory');
  const skills = await Promise.all(
    folders.slice(0, MOST_READ).map(async (folder): Promise<Skill | null> => {
      const path = `${folder.path}/SKILL.md`;
      const { fields, body } = readFrontMatter(await textOf(workspace, path));
      if (!fields.description) return null;
      const name = fields.name || folder.path.split('/').at(-1)!;
      return { name, description: fields.description.slice(0, DESCRIPTION_CHARS), path, text: body };
    }),
  );
  return skills.filter(skill => skill !== null);
}

/** Paths of the Markdown files of a folder, sorted; none if there is no such folder. */
export async function markdownIn(workspace: WorkspacePort, folder: string): Promise<string[]> {
  const files = (await entriesOf(workspace, folder)).filter(entry => entry.kind === 'file');
  return files.map(entry => entry.path).filter(path => path.endsWith('.md'));
}

async function entriesOf(workspace: WorkspacePort, folder: string) {
  const entries = await workspace.list(folder, { recursive: false, limit: 200 }).catch(() => []);
  return entries.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** '' for a file that is not there, or can't be read as text. */
export const textOf = (workspace: WorkspacePort, path: string): Promise<string> =>
  workspace.read(path).then(
    file => file.text.trim(),
    () => '',
  );
