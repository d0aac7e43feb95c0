/**
 * Rules of folders that a task comes to while it goes on, beside those that were read when it began. A model that calls tools is told
 * behind the results from there, so that what it has read before stays as it was sent.
 */
import type { ChatMessage, ToolCall } from '../protocol/daemon.ts';
import type { AgentOptions } from './agent.ts';
import type { ContextWindow } from './context.ts';
import { fitText, lines } from './result-text.ts';
import { cappedRules, headOf, type RulesFile, rulesText } from './rules.ts';
import type { ToolResult } from './tools/tool.ts';

/** Of several paths each file once, those above first. */
async function filesAt({ rulesFor }: AgentOptions, paths: readonly string[]): Promise<RulesFile[]> {
  if (!rulesFor) return [];
  const found = (await Promise.all(paths.map(path => rulesFor(path)))).flat();
  return [...new Map(found.map(file => [file.path, file])).values()];
}

const untold = (files: readonly RulesFile[], told: readonly string[]): RulesFile[] =>
  files.filter(file => !isTold(file, told));

/** Where rules end that were told whole: nothing is behind them, or what else the model is told with them. */
const END = /^(\n\n(Rules in |Skills\. )|$)/;
/** Where they were cut for want of room. */
const CUT = /\n\((?:The rules are longer|\d+ more lines)| … \(\d+ more characters/;

/** As they are now, by who told them last: a file that has changed since is told again. */
function isTold(file: RulesFile, told: readonly string[]): boolean {
  const head = headOf(file.path);
  const last = told.findLast(text => text.includes(head));
  if (last === undefined) return false;
  const said = last.slice(last.lastIndexOf(head));
  const now = rulesText([file]);
  if (said.startsWith(now) && END.test(said.slice(now.length))) return true;
  const cut = said.search(CUT);
  return cut >= 0 && now.startsWith(said.slice(0, cut));
}

const cutNotice = (files: readonly RulesFile[]): string =>
  `There is not enough room for all of the rules in ${files.map(({ path }) => path).join(', ')}: the agent reads the first part.`;

/** All rules that hold at `path`, for a prompt that is about it alone. `cut`: for the user, where there is no room for them. */
export async function rulesAt(
  options: AgentOptions,
  path: string,
): Promise<{ text: string; cut: string | null }> {
  const nearer = untold(await filesAt(options, [path]), [options.rules]);
  if (nearer.length === 0) return { text: options.rules, cut: null };
  const all = [options.rules, rulesText(nearer)].filter(Boolean).join('\n\n');
  const { text, isWhole } = cappedRules(all);
  return { text, cut: isWhole ? null : cutNotice(nearer) };
}

/** The paths that a call is about. */
export function touchedPaths(call: ToolCall, { ok, changes }: Pick<ToolResult, 'ok' | 'changes'>): string[] {
  const named = ok && call.kind === 'call' ? call.arguments.path : undefined;
  return [...(typeof named === 'string' ? [named] : []), ...changes.map(({ path }) => path)];
}

/**
 * What `messages` do not say yet of the rules at `paths`, as a message; null without any. Not part of a result: a file could hold the
 * same words, and what stands in a result is not to be obeyed.
 */
export async function rulesMessage(
  options: AgentOptions,
  paths: readonly string[],
  messages: readonly ChatMessage[],
  window: ContextWindow,
  roomTokens: number,
): Promise<ChatMessage | null> {
  // What a result says of rules tells nothing, either.
  const isOurs = ({ role }: ChatMessage) => role === 'system' || role === 'user';
  const told = messages.filter(isOurs).map(({ content }) => content);
  const nearer = untold(await filesAt(options, paths), told);
  if (nearer.length === 0) return null;
  const { text, isWhole } = await fitText(lines(rulesText(nearer)), roomTokens, one => window.countText(one));
  if (!isWhole) options.emit({ type: 'notice', text: cutNotice(nearer) });
  return { role: 'user', content: text };
}
