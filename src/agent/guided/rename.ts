/**
 * A name that a task wants changed, changed without the model: small models rename what they see and forget the rest. The
 * language server says where the name is used; without one it is told from the text, and only where that leaves no doubt.
 */
import type { AgentOptions } from '../agent.ts';
import { withoutPolitePhrases } from './intent.ts';
import { definedName } from './region.ts';
import { renamedByText } from './rename-by-text.ts';
import { isCode } from './source-paths.ts';

export interface Rename {
  name: string;
  newName: string;
  /** As the task names the file of the definition; null: it does not. */
  file: string | null;
}

const KIND =
  'function|method|class|variable|constant|const|type|interface|enum|struct|helper|component|hook|symbol|identifier|name';
const NAME = '[`\'"]?([A-Za-z_$][\\w$]*)(?:\\(\\))?[`\'"]?';
const FILE = '(?:\\s+(?:in|of|from)\\s+(?:the\\s+(?:file|module)\\s+)?[`\'"]?([\\w./-]+\\.\\w+)[`\'"]?)?';
const DEMAND = new RegExp(
  `^rename\\s+(?:the\\s+)?(?:(?:${KIND})\\s+)?${NAME}(?:\\s+(?:${KIND}))?${FILE}\\s+(?:to|into|as)\\s+${NAME}${FILE}(.*)$`,
  'is',
);
/** What may follow without asking for more than a renaming does. */
const NO_MORE =
  /^(?:[\s,.;!]|\b(?:and|also|too|both|please|everywhere|wherever|where|it|its|is|are|used|uses?|usages?|callers?|calls?|references?|imports?|occurrences?|update|adapt|change|adjust|rename|fix|all|every|in|across|throughout|the|of|them|other|whole|entire|files?|tests?|project|workspace|code|codebase)\b)*$/i;

/** The renaming that `task` asks for; null if it asks for anything else, or for more. */
export function renameOf(task: string): Rename | null {
  const found = DEMAND.exec(withoutPolitePhrases(task.trim()));
  if (!found) return null;
  const [, name, file, newName, fileBehind, more] = found;
  if (name === newName || !NO_MORE.test(more!)) return null;
  return { name: name!, newName: newName!, file: file ?? fileBehind ?? null };
}

/** More places than that are not changed in one go. */
const MOST_HITS = 400;

/**
 * Every file that the renaming changes, as its new text (`\n` line ends); null where it is not known for sure what belongs to it:
 * the name is defined nowhere or more than once, something else has it too, or the new name is taken.
 */
export async function renamed(
  { name, newName, file }: Rename,
  { ports, signal, context }: AgentOptions,
  paths: readonly string[],
  text: (path: string) => Promise<string>,
): Promise<ReadonlyMap<string, string> | null> {
  const hits = await ports.workspace.grep({ pattern: name, isRegExp: false, limit: MOST_HITS }, signal);
  if (hits.length >= MOST_HITS) return null;
  const files = [...new Set(hits.map(({ path }) => path))].filter(isCode);
  const texts = new Map<string, string>();
  for (const path of files) texts.set(path, await text(path));

  const isMeant = (path: string) => file === null || path === file || path.endsWith(`/${file}`);
  const definitions = files.filter(isMeant).flatMap(path => definitionsIn(path, texts.get(path)!, name));
  const open = definitions.filter(({ path }) => path === context.openFile?.path);
  const [definition, other] = file === null && open.length > 0 ? open : definitions;
  if (!definition || other) return null;

  const known = await ports.symbols?.textsAfterRename({ ...definition, newName }, signal);
  if (known) return known;
  return renamedByText(definition.path, { name, newName }, texts, paths);
}

interface Definition {
  path: string;
  /** From 1. */
  line: number;
  column: number;
}

/** What is defined at the outermost level; what is within something else can't be told from the text. */
function definitionsIn(path: string, text: string, name: string): Definition[] {
  const lines = text.split('\n');
  const at = lines.flatMap((line, index) => (/^\S/.test(line) && definedName(line) === name ? [index] : []));
  return at.map(index => ({ path, line: index + 1, column: wordAt(lines[index]!, name) + 1 }));
}

const literal = (text: string): string => text.replaceAll('$', '\\$');
const wordAt = (line: string, name: string): number =>
  line.search(new RegExp(`(?<![\\w$])${literal(name)}(?![\\w$])`));
