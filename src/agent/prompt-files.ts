/** Prompt files: `.moebius/prompts/review.md` is what the user means by `/review`. Only of a trusted workspace. */
import { readFrontMatter } from './front-matter.ts';
import type { WorkspacePort } from './ports.ts';
import { markdownIn, textOf } from './rules.ts';

export interface PromptFile {
  /** Without the slash. */
  name: string;
  description: string;
  text: string;
}

const NAME = /^[\w-]+$/;
const ARGUMENTS = '$ARGUMENTS';

export async function readPromptFiles(workspace: WorkspacePort, isTrusted: boolean): Promise<PromptFile[]> {
  if (!isTrusted) return [];
  const paths = await markdownIn(workspace, '.moebius/prompts');
  const files = await Promise.all(
    paths.map(async path => {
      const name = path.split('/').at(-1)!.slice(0, -'.md'.length);
      const { fields, body } = readFrontMatter(await textOf(workspace, path));
      return { name, description: fields.description ?? '', text: body };
    }),
  );
  return files.filter(({ name, text }) => NAME.test(name) && text !== '');
}

/** A message that begins with the name of a prompt file, as what it stands for: `$ARGUMENTS` is the rest, else it follows. */
export function expandPrompt(message: string, prompts: readonly PromptFile[]): string {
  const match = /^\/([\w-]+)(?:\s+([\s\S]*))?$/.exec(message.trim());
  const prompt = match && prompts.find(one => one.name === match[1]);
  if (!prompt) return message;
  const rest = match[2]?.trim() ?? '';
  if (prompt.text.includes(ARGUMENTS)) return prompt.text.split(ARGUMENTS).join(rest);
  return rest === '' ? prompt.text : `${prompt.text}\n\n${rest}`;
}
