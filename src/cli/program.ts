/** The `moebius` command: its subcommands, put together. */
import { Command } from 'commander';
import { agentCommand } from './agent.ts';
import { batchCommand } from './batch.ts';
import { benchCommand } from './bench.ts';
import { cacheCommand } from './cache.ts';
import { carveCommand } from './carve.ts';
import { carveCostCommand } from './carve-cost.ts';
import { chatCommand } from './chat.ts';
import { convertCommand } from './convert.ts';
import { doctorCommand } from './doctor.ts';
import { generateCommand } from './generate.ts';
import { infillCommand } from './infill.ts';
import { modelCommand } from './model.ts';
import type { Terminal } from './terminal.ts';

export function createProgram(terminal: Terminal, version: string): Command {
  const program = new Command('moebius')
    .description('A coding model on your own machine: models, completions and chat without an editor.')
    .version(version)
    .addHelpText(
      'after',
      `
Exit codes: 0 done, 1 failed, 2 wrong use, 130 cancelled.
Models are kept in MOEBIUS_HOME, by default ~/.moebius.

Example:
  $ moebius model add qwen2.5-coder-0.5b && moebius generate "def fibonacci(n):"`,
    );
  const commands = [
    modelCommand,
    cacheCommand,
    generateCommand,
    infillCommand,
    chatCommand,
    agentCommand,
    batchCommand,
    benchCommand,
    doctorCommand,
    convertCommand,
    carveCommand,
    carveCostCommand,
  ];
  for (const create of commands) program.addCommand(create(terminal));
  configureOutput(program, terminal);
  return program;
}

/** commander's own output to the terminal's streams, and throwing instead of exiting, in every command. */
function configureOutput(command: Command, terminal: Terminal): void {
  command
    .option('--verbose', 'show where an error happened')
    .exitOverride()
    .showHelpAfterError('(add --help for the options and an example)')
    .configureOutput({
      writeOut: text => terminal.stdout.write(text),
      writeErr: text => terminal.stderr.write(text),
    });
  for (const child of command.commands) configureOutput(child, terminal);
}
