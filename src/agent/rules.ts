/**
 * What the user and the project want the agent to heed: AGENTS.md files from the workspace down to the open file, `.moebius/rules`,
 * and the names of skills, whose text the model reads when it needs one. Files of a workspace that is not trusted are not read:
 * they would be instructions of a stranger.
 */

import { readFrontMatter } from './front-matter.ts';
import type { WorkspacePort } from './ports.ts';

/** Some 2,000 tokens: rules are read with every task, and a small window must have room for the work. */
const MAX_CHARS = 8000;
const MAX_SKILLS = 30;
const DESCRIPTION_CHARS = 200;

export interface RulesOptions {
  /** From the user's own settings. */
  userRules: string;
  isTrusted: boolean;
  /** AGENTS.md beside it and above it apply. */
  openFile: string | null;
}

/** For the system prompt; '' without any. What is too long is cut, and the text says so. */
export async function readRules(workspace: WorkspacePort, options: RulesOptions): Promise<string> {
  const { userRules, isTrusted, openFile } = options;
  const parts = userRules.trim() === '' ? [] : [`Rules of the user:\n${userRules.trim()}`];
  if (isTrusted) {
    for (const path of [...agentsFiles(openFile), ...(await markdownIn(workspace, '.moebius/rules'))]) {
      const text = await textOf(workspace, path);
      if (text !== '') parts.push(`Rules in ${path}:\n${readFrontMatter(text).body}`);
    }
    const skills = await skillsIn(workspace);
    if (skills.length > 0)
      parts.push(`Skills. When one fits the task, read its file first:\n${skills.map(skillLine).join('\n')}`);
  }
  const all = parts.join('\n\n');
  return all.length <= MAX_CHARS
    ? all
    : `${all.slice(0, MAX_CHARS)}\n(The rules are longer; the rest is left out.)`;
}

/** From the workspace down, so that what is nearer is read last. */
function agentsFiles(openFile: string | null): string[] {
  const folders = openFile === null ? [] : openFile.split('/').slice(0, -1);
  return ['', ...folders.map((_, index) => `${folders.slice(0, index + 1).join('/')}/`)].map(
    folder => `${folder}AGENTS.md`,
  );
}

interface Skill {
  name: string;
  description: string;
  path: string;
}

const skillLine = ({ name, description, path }: Skill): string => `- ${name}: ${description} (${path})`;

async function skillsIn(workspace: WorkspacePort): Promise<Skill[]> {
  const folders = (await entriesOf(workspace, '.moebius/skills')).filter(entry => entry.kind === 'directory');
  const skills = await Promise.all(
    folders.slice(0, MAX_SKILLS).map(async (folder): Promise<Skill | null> => {
      const path = `${folder.path}/SKILL.md`;
      const { fields } = readFrontMatter(await textOf(workspace, path));
      if (!fields.description) return null;
      const name = fields.name || folder.path.split('/').at(-1)!;
      return { name, description: fields.description.slice(0, DESCRIPTION_CHARS), path };
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
