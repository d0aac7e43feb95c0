/** `moebius generate`: goes on from a text, or answers it with --chat; streams to stdout. */
import { Command } from 'commander';
import { MoebiusError } from '../base/errors.ts';
import { printingHooks, reportUsage, withEngine } from './engine-session.ts';
import { addSamplingOptions, levelOf, type SamplingOptions, samplingOf } from './sampling-options.ts';
import { readAll, type Terminal, writeLine } from './terminal.ts';

interface GenerateOptions extends SamplingOptions {
  chat?: boolean;
  system?: string;
}

export function generateCommand(terminal: Terminal): Command {
  return addSamplingOptions(new Command('generate'), 256)
    .description('go on from a text (argument or stdin), streaming')
    .argument('[prompt]', 'the text; read from stdin when absent')
    .option('--chat', 'take the text as a question to answer')
    .option('--system <text>', 'system message, with --chat')
    .addHelpText(
      'after',
      `\nExamples:\n  $ moebius generate "def fibonacci(n):"\n  $ git diff | moebius generate --chat --system "Write a commit message for this diff."`,
    )
    .action(async (argument: string | undefined, options: GenerateOptions) => {
      const prompt = await promptText(argument, terminal);
      await withEngine(terminal, options, async engine => {
        const input = options.chat ? { messages: conversation(prompt, options.system) } : { prompt };
        const result = await engine.generate(
          { requestId: 'generate', ...input, ...samplingOf(options), ...levelOf(options) },
          printingHooks(terminal),
        );
        await writeLine(terminal.stdout, '');
        await reportUsage(terminal, result);
      });
    });
}

const conversation = (question: string, system: string | undefined) => [
  ...(system ? [{ role: 'system' as const, content: system }] : []),
  { role: 'user' as const, content: question },
];

async function promptText(argument: string | undefined, { stdin }: Terminal): Promise<string> {
  if (argument !== undefined) return argument;
  const piped = stdin.isTTY ? '' : await readAll(stdin);
  if (piped === '')
    throw new MoebiusError('bad-request', 'There is no prompt: give it as an argument or pipe it in.');
  return piped;
}
