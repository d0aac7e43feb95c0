/** `command_output`: what a command wrote, a page at a time; also ends it. */
import { boolean, integer, optional, string } from './parameters.ts';
import { defineTool, told } from './tool.ts';

const PAGE_LINES = 2000;

export const commandOutput = defineTool({
  name: 'command_output',
  description: 'More output of a command, or end one that runs in the background.',
  parameters: {
    id: string('what run_command gave'),
    from_line: optional(integer('first line, from 1', 1)),
    kill: optional(boolean('end the command first')),
  },
  title: ({ id, kill }) => (kill ? `End command ${id}` : `Output of command ${id}`),
  async run({ id, from_line = 1, kill = false }, { ports }) {
    if (kill) await ports.terminal.kill(id);
    const page = ports.terminal.page(id, from_line - 1, PAGE_LINES);
    const state = page.state === 'exited' ? `exited with code ${page.exitCode}` : page.state;
    if (from_line > Math.max(1, page.totalLines))
      return told(
        `from_line ${from_line} is past the end: there are ${page.totalLines} lines (${state}).`,
        state,
        kill,
      );
    const lines = page.text === '' ? ['(nothing)'] : page.text.replace(/\n$/, '').split('\n');
    const last = from_line - 1 + lines.length;
    if (last < page.totalLines) lines.push(`(go on with from_line ${last + 1})`);
    return told(
      {
        head: `Command ${id}: ${state}. Lines ${from_line} to ${last} of ${page.totalLines}:`,
        lines,
        rest: shown => `(cut here: go on with from_line ${from_line + shown})`,
      },
      state,
    );
  },
});
