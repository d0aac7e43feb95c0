/**
 * What a message that begins with `/` stands for: `.moebius/prompts/review.md` is what the user means by `/review`, and a skill by its
 * name is the text of its file. Only of a trusted workspace.
 */
import { shownData } from './data-text.ts';
import { readFrontMatter } from './front-matter.ts';
import type { WorkspacePort } from './ports.ts';
import { inEach, markdownIn, readSkills, textOf } from './rules.ts';

export interface PromptFile {
  kind: 'prompt' | 'skill';
  /** Without the slash. */
  name: string;
  description: string;
  text: string;
}

const NAME = /^[\w-]+$/;
const ARGUMENTS = '$ARGUMENTS';

/**
 * Prompt files, then skills; of two with one name the first is meant. `roots`: what paths into each folder of the workspace begin
 * with.
 */
export async function readPromptFiles(
  workspace: WorkspacePort,
  isTrusted: boolean,
  roots: readonly string[],
): Promise<PromptFile[]> {
  if (!isTrusted) return [];
  const paths = await inEach(roots, root => markdownIn(workspace, `${root}.moebius/prompts`));
  const files = await Promise.all(
    paths.map(async (path): Promise<PromptFile> => {
      const name = path.split('/').at(-1)!.slice(0, -'.md'.length);
      const { fields, body } = readFrontMatter(await textOf(workspace, path));
      return { kind: 'prompt', name, description: fields.description ?? '', text: shownData(body) };
    }),
  );
  const skills = (await readSkills(workspace, isTrusted, roots)).map(
    ({ name, description, text, path }): PromptFile => ({
      kind: 'skill',
      name,
      description,
      // It may speak of files beside it.
      text: text && `${shownData(text)}\n\n(This is the skill in ${path}.)`,
    }),
  );
  const named = [...files, ...skills].filter(({ name, text }) => NAME.test(name) && text !== '');
  return named.filter(({ name }, index) => named.findIndex(one => one.name === name) === index);
}

/**
 * What a message that begins with the name of a prompt file stands for: `$ARGUMENTS` is the rest, else it follows. null: it stands
 * for itself.
 */
export function expandPrompt(message: string, prompts: readonly PromptFile[]): string | null {
  const match = /^\/([\w-]+)(?:\s+([\s\S]*))?$/.exec(message.trim());
  const prompt = match && prompts.find(one => one.name === match[1]);
  if (!prompt) return null;
  const rest = match[2]?.trim() ?? '';
  if (prompt.text.includes(ARGUMENTS)) return prompt.text.split(ARGUMENTS).join(rest);
  return rest === '' ? prompt.text : `${prompt.text}\n\n${rest}`;
}
