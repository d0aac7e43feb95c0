/** What `moebius agent` may do: from its options, and from the person at the terminal, if there is one. */
import { createInterface } from 'node:readline/promises';
import { InvalidArgumentError } from 'commander';
import type { ActionPolicy, Remembered } from '../agent/actions.ts';
import { type CommandRule, rulesFor } from '../agent/commands/rules.ts';
import type { AgentMode, AgentPorts, ApprovalDecision, ApprovalRequest } from '../agent/ports.ts';
import { MoebiusError } from '../base/errors.ts';
import { print, type Terminal } from './terminal.ts';

/** What is allowed beforehand. */
export interface Approvals {
  everything: boolean;
  edits: boolean;
  commands: string[];
}

/** `all`, `none`, or `edits` and `commands:<command>,<command>...`, which comes last. */
export function parseApprovals(text: string): Approvals {
  if (text === 'all') return { everything: true, edits: true, commands: [] };
  const [before = '', list] = text.split(/(?:^|,)commands:/, 2);
  const words = before.split(',').filter(word => word !== '' && word !== 'none');
  const wrong = words.find(word => word !== 'edits');
  if (wrong !== undefined)
    throw new InvalidArgumentError(`"${wrong}" is none of: edits, commands:<list>, all, none.`);
  const commands = (list ?? '').split(',').map(command => command.trim());
  return { everything: false, edits: words.includes('edits'), commands: commands.filter(Boolean) };
}

export type Permissions = Pick<AgentPorts, 'approval' | 'questions'> & {
  policy(): ActionPolicy;
  remember(what: Remembered): void;
};

/** Without a terminal, what is not allowed beforehand is denied. */
export function permissionsOf(approvals: Approvals, mode: AgentMode, terminal: Terminal): Permissions {
  const shell = process.platform === 'win32' ? 'windows' : 'posix';
  const rules: CommandRule[] = approvals.commands.flatMap(command => rulesFor(command, null, shell) ?? []);
  let autoApproveEdits = approvals.edits;
  return {
    policy: () => ({
      mode,
      askEverything: false,
      readOnly: false,
      autoApproveEdits,
      commandRules: rules,
      shell,
    }),
    remember(what) {
      if (what.kind === 'commands') rules.push(...what.rules);
      else autoApproveEdits = true;
    },
    approval: {
      async ask(request, signal) {
        if (approvals.everything) return { kind: 'once' };
        // Word for word as it was given, even where a rule can't be made of it.
        const command = request.command?.trim();
        if (command !== undefined && approvals.commands.includes(command)) return { kind: 'once' };
        // No reason of a person, which a led model would try to heed.
        if (!terminal.stdin.isTTY)
          throw new MoebiusError('refused', 'Not allowed by --approve, and nobody is there to ask.');
        return askPerson(terminal, request, signal);
      },
    },
    questions: {
      async ask(question, options, signal) {
        if (!terminal.stdin.isTTY) return null;
        const list = options.map((option, index) => `  ${index + 1}. ${option}`);
        print(terminal.stderr, `${[`\n${question}`, ...list].join('\n')}\n`);
        const answer = (await askLine(terminal, '> ', signal)).trim();
        return answer === '' ? null : (options[Number(answer) - 1] ?? answer);
      },
    },
  };
}

async function askPerson(
  terminal: Terminal,
  request: ApprovalRequest,
  signal: AbortSignal,
): Promise<ApprovalDecision> {
  const { title, detail, warning, remember } = request;
  print(terminal.stderr, `\n${title}:\n${detail}${warning ? `\nWarning: ${warning}` : ''}\n`);
  const always = remember === null ? '' : `, a = always allow ${remember}`;
  const answer = (
    await askLine(terminal, `Allow? y = yes${always}, anything else = no, or why not: `, signal)
  ).trim();
  if (/^y(es)?$/i.test(answer)) return { kind: 'once' };
  if (remember !== null && /^a(lways)?$/i.test(answer)) return { kind: 'always' };
  return { kind: 'deny', reason: /^(no?)?$/i.test(answer) ? null : answer };
}

/** What the person at the terminal types. */
export async function askLine(
  { stdin, stderr }: Terminal,
  prompt: string,
  signal: AbortSignal,
): Promise<string> {
  const lines = createInterface({ input: stdin, output: stderr });
  try {
    return await lines.question(prompt, { signal });
  } finally {
    lines.close();
  }
}
