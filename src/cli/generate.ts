/** `moebius generate`: goes on from a text, or answers it with --chat; streams to stdout. */
import { readFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { MoebiusError } from '../base/errors.ts';
import type { GrammarParams } from '../protocol/daemon.ts';
import { printingHooks, reportUsage, withEngine } from './engine-session.ts';
import {
  addSamplingOptions,
  levelOf,
  type SamplingOptions,
  samplingOf,
  thinkingOf,
} from './sampling-options.ts';
import { readAll, type Terminal, writeLine } from './terminal.ts';

interface GenerateOptions extends SamplingOptions {
  chat?: boolean;
  system?: string;
  jsonSchema?: string;
  grammar?: string;
}

export function generateCommand(terminal: Terminal): Command {
  return addSamplingOptions(new Command('generate'), 256)
    .description('go on from a text (argument or stdin), streaming')
    .argument('[prompt]', 'the text; read from stdin when absent')
    .option('--chat', 'take the text as a question to answer')
    .option('--system <text>', 'system message, with --chat')
    .addOption(new Option('--json-schema <file>', 'write JSON of this schema').conflicts('grammar'))
    .option('--grammar <file>', "write what this grammar allows (XGrammar's EBNF, from the rule root)")
    .addHelpText(
      'after',
      `\nExamples:\n  $ moebius generate "def fibonacci(n):"\n  $ moebius generate --chat --json-schema person.json "Invent a person."\n  $ git diff | moebius generate --chat --system "Write a commit message for this diff."`,
    )
    .action(async (argument: string | undefined, options: GenerateOptions) => {
      const prompt = await promptText(argument, terminal);
      const grammar = await grammarOf(options);
      await withEngine(terminal, options, async engine => {
        const input = options.chat ? { messages: conversation(prompt, options.system) } : { prompt };
        const result = await engine.generate(
          {
            requestId: 'generate',
            ...input,
            ...samplingOf(options),
            ...levelOf(options),
            ...thinkingOf(options),
            ...grammar,
          },
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

/** Throws `bad-request` when a file can't be read or is no JSON object. */
async function grammarOf({ jsonSchema, grammar }: GenerateOptions): Promise<{ grammar?: GrammarParams }> {
  if (grammar !== undefined) return { grammar: { kind: 'ebnf', text: await readText(grammar) } };
  if (jsonSchema === undefined) return {};
  const text = await readText(jsonSchema);
  try {
    const schema: unknown = JSON.parse(text);
    if (typeof schema === 'object' && schema !== null && !Array.isArray(schema))
      return { grammar: { kind: 'json-schema', schema: schema as Record<string, unknown> } };
  } catch {
    // Told below.
  }
  throw new MoebiusError('bad-request', `${jsonSchema} is no JSON object; a JSON Schema is one.`);
}

function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(cause => {
    throw new MoebiusError('bad-request', `${file} can't be read: ${cause.message}`, { cause });
  });
}

async function promptText(argument: string | undefined, { stdin }: Terminal): Promise<string> {
  if (argument !== undefined) return argument;
  const piped = stdin.isTTY ? '' : await readAll(stdin);
  if (piped === '')
    throw new MoebiusError('bad-request', 'There is no prompt: give it as an argument or pipe it in.');
  return piped;
}
