/** `run_command`: a command in the workspace, if the user allows it. */
import type { PagedText } from '../result-text.ts';
import { boolean, integer, optional, string } from './parameters.ts';
import { patchIn, runPatch } from './patch-command.ts';
import { defineTool, short } from './tool.ts';

const DEFAULT_SECONDS = 120;
const MAX_SECONDS = 3600;
/** How long a command for the background is watched, so that one that fails at once says so. */
const BACKGROUND_MS = 3000;

export const runCommand = defineTool({
  name: 'run_command',
  description: 'Run a shell command. It has no input. When the time is up it goes on in the background.',
  parameters: {
    command: string('the command'),
    cwd: optional(string('folder; default: the workspace')),
    timeout_s: optional(integer(`seconds; default ${DEFAULT_SECONDS}`, 1)),
    background: optional(boolean('for servers and watchers')),
  },
  isChanging: true,
  title: ({ command }) => (patchIn(command) === null ? `Run ${short(command)}` : 'Apply a patch'),
  async run({ command, cwd = '.', timeout_s = DEFAULT_SECONDS, background = false }, context) {
    const patch = patchIn(command);
    if (patch !== null) return runPatch(patch, context);
    const { callId, actions, commandTimeoutMs } = context;
    const wantedMs = background ? BACKGROUND_MS : Math.min(timeout_s, MAX_SECONDS) * 1000;
    const timeoutMs = Math.min(wantedMs, commandTimeoutMs);
    const result = await actions.command(callId, command, cwd, timeoutMs);
    const { ok, changes, exitCode } = result;
    const output = result.text.split('\n');
    const text: PagedText = {
      lines: output,
      keepsEnd: true,
      rest: shown => `(${output.length - shown} lines are left out here; command_output has all)`,
    };
    return { ok, text, summary: '', changes, command: { command, cwd, exitCode }, isTold: true };
  },
});
