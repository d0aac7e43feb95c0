/** `command_output`: what a command wrote, a page at a time; also ends it. Waits a while for something new. */
import { orAborted } from '../../base/abort.ts';
import type { TerminalPort } from '../ports.ts';
import { boolean, integer, optional, string } from './parameters.ts';
import { defineTool, type ToolContext, type ToolResult, told } from './tool.ts';

const PAGE_LINES = 2000;
/** A model that asks again and again would use its turns up before a quiet command ends. */
const LONGEST_MS = 30_000;
const LOOK_MS = 500;

export const commandOutput = defineTool({
  name: 'command_output',
  description: 'More output of a command, or end one that runs in the background.',
  parameters: {
    id: string('what run_command gave'),
    from_line: optional(integer('first line, from 1', 1)),
    kill: optional(boolean('end the command first')),
  },
  title: ({ id, kill }) => (kill ? `End command ${id}` : `Output of command ${id}`),
  async run({ id, from_line = 1, kill = false }, context): Promise<ToolResult> {
    const { terminal } = context.ports;
    if (kill) await terminal.kill(id);
    else await untilNews(id, from_line, context);
    const page = terminal.page(id, from_line - 1, PAGE_LINES);
    const isRunning = page.state === 'running';
    const state = page.state === 'exited' ? `exited with code ${page.exitCode}` : page.state;
    if (from_line > Math.max(1, page.totalLines)) {
      const text = `from_line ${from_line} is past the end: there are ${page.totalLines} lines (${state}).`;
      return { ...told(text, state, kill || isRunning), isWait: isRunning };
    }
    const lines = page.text === '' ? ['(nothing)'] : page.text.replace(/\n$/, '').split('\n');
    const last = from_line - 1 + lines.length;
    if (last < page.totalLines) lines.push(`(go on with from_line ${last + 1})`);
    const shown = {
      head: `Command ${id}: ${state}. Lines ${from_line} to ${last} of ${page.totalLines}:`,
      lines,
      rest: (count: number) => `(cut here: go on with from_line ${from_line + count})`,
    };
    return { ...told(shown, state), isWait: isRunning };
  },
});

/** Until a command that runs has ended, or has written something since the same was asked before. */
async function untilNews(id: string, fromLine: number, { ports, signal, heard }: ToolContext): Promise<void> {
  const { terminal, clock } = ports;
  const asked = `${id} ${fromLine}`;
  const endMs = clock.now() + LONGEST_MS;
  let newest = newestOf(id, terminal);
  while (newest !== null && newest === heard.get(asked) && clock.now() < endMs) {
    await orAborted(new Promise<void>(resolve => void clock.after(LOOK_MS, resolve)), signal);
    newest = newestOf(id, terminal);
  }
  if (newest !== null) heard.set(asked, newest);
}

/** Of a command that runs: another one after each line, and each change of the last. null: it does not run. */
function newestOf(id: string, terminal: TerminalPort): string | null {
  const { state, totalLines } = terminal.page(id, 0, 0);
  if (state !== 'running') return null;
  return `${totalLines} ${terminal.page(id, Math.max(0, totalLines - 1), 1).text}`;
}
