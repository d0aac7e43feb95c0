/** The list behind `/`: what the chat itself can be told to do, then the workspace's prompt files and skills. Pure. */
import type { PromptFile } from '../../agent/prompt-files.ts';
import type { Suggestion } from '../../protocol/webview.ts';

export interface SlashCommand {
  /** Without the slash. */
  name: string;
  detail: string;
  /** Of VS Code. */
  command: string;
}

/** None takes an argument: a message that goes on after the name is one for the model. */
const COMMANDS: readonly SlashCommand[] = [
  { name: 'new', detail: 'begin another chat', command: 'moebius.chat.new' },
  {
    name: 'undo',
    detail: 'put back what the agent changed last',
    command: 'moebius.agent.undoLastTurn',
  },
  {
    name: 'restore',
    detail: 'go back to before a message: files, conversation or both',
    command: 'moebius.agent.restore',
  },
  {
    name: 'running',
    detail: 'commands that still run, and stopping them',
    command: 'moebius.agent.showRunning',
  },
  {
    name: 'allowed',
    detail: 'what always runs without asking, and how to take it back',
    command: 'moebius.agent.showAllowed',
  },
  { name: 'explain', detail: 'explain the selected code', command: 'moebius.code.explain' },
  { name: 'fix', detail: 'mend the problems of the selected code', command: 'moebius.code.fix' },
  { name: 'tests', detail: 'write tests for the selected code', command: 'moebius.code.tests' },
  { name: 'document', detail: 'document the selected code', command: 'moebius.code.document' },
  { name: 'staged', detail: 'review the staged changes', command: 'moebius.scm.review' },
  { name: 'commit', detail: 'write a commit message', command: 'moebius.scm.commitMessage' },
];

/** What a message that is only the name of a command runs; null: it is for the model. */
export function slashCommand(text: string): SlashCommand | null {
  return COMMANDS.find(({ name }) => text.trim() === `/${name}`) ?? null;
}

/** A prompt file with the name of a command is not reached, so it is not listed. */
export function slashSuggestions(query: string, prompts: readonly PromptFile[]): Suggestion[] {
  const commands = COMMANDS.map(({ name, detail }) => ({ kind: 'command' as const, name, detail }));
  const others = prompts
    .filter(prompt => COMMANDS.every(({ name }) => name !== prompt.name))
    .map(({ kind, name, description }) => ({ kind, name, detail: description }));
  const needle = query.toLowerCase();
  return [...commands, ...others]
    .filter(({ name }) => name.toLowerCase().startsWith(needle))
    .map(({ kind, name, detail }) => ({ kind, label: `/${name}`, detail }));
}
