/** `moebius cache`: what is saved of what the models have read, and removing it. */
import { Command } from 'commander';
import { listKvFiles } from '../models/kv-files.ts';
import { openStore } from '../models/store.ts';
import { megabytes } from './progress.ts';
import { type Terminal, writeLine } from './terminal.ts';

export function cacheCommand(terminal: Terminal): Command {
  const command = new Command('cache').description(
    'what is saved of recent conversations, for reading it only once',
  );
  for (const create of [showCommand, clearCommand]) command.addCommand(create(terminal));
  return command.addHelpText('after', '\nExample:\n  $ moebius cache clear');
}

function showCommand(terminal: Terminal): Command {
  return new Command('show')
    .description('how much is saved of what each model has read')
    .addHelpText('after', '\nExample:\n  $ moebius cache show')
    .action(async () => {
      const store = await openStore();
      const bytes = new Map<string, number>();
      for (const { id, sizeBytes } of await listKvFiles(store.kvHome)) {
        bytes.set(id, (bytes.get(id) ?? 0) + sizeBytes);
      }
      for (const [id, size] of [...bytes].sort())
        await writeLine(terminal.stdout, `${id.padEnd(22)} ${megabytes(size)} MB`);
      if (bytes.size === 0) await writeLine(terminal.stdout, `Nothing is saved in ${store.kvHome}.`);
    });
}

function clearCommand(terminal: Terminal): Command {
  return new Command('clear')
    .description('remove what is saved, of one model or all')
    .argument('[id]')
    .addHelpText('after', '\nExample:\n  $ moebius cache clear qwen2.5-coder-1.5b')
    .action(async (id?: string) => {
      const store = await openStore();
      const files = (await listKvFiles(store.kvHome)).filter(file => !id || file.id === id);
      await store.removeKv(id);
      const bytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      await writeLine(terminal.stdout, `${megabytes(bytes)} MB removed.`);
    });
}
