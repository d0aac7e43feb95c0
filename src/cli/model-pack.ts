/** `moebius model pack`: a model's weights once more, as this processor's kernels want them: less memory, a quicker start. */
import { Command } from 'commander';
import { packModelGraphs } from '../engine/pack.ts';
import { packedBytes, packModel, removePacked } from '../models/packed.ts';
import { openStore } from '../models/store.ts';
import type { ModelVariant } from '../protocol/daemon.ts';
import { optionalVariantOption } from './engine-session.ts';
import { megabytes } from './progress.ts';
import { type Terminal, writeLine } from './terminal.ts';

export function modelPackCommand(terminal: Terminal): Command {
  return new Command('pack')
    .description('keep the weights also as this processor wants them: less memory, more disk')
    .argument('<id>')
    .addOption(optionalVariantOption())
    .option('--undo', 'remove them again')
    .addHelpText(
      'after',
      `
A packed model opens in half the time and holds little memory as its own: the rest is mapped from the disk, and the
system may take it back when others need it. In 4 bits chats are read by further graphs, which are not packed: with them it
holds half of what it did, and where they do not fit all experts read. It writes as fast as before or more slowly, in 8 bits by
a quarter to a third on some machines. \`model add\` packs by itself where memory is tight. After a change of processor or version
the plain weights are used until it is packed again.

Example:
  $ moebius model pack qwen2.5-coder-1.5b`,
    )
    .action(async (id: string, { variant, undo }: { variant?: ModelVariant; undo?: boolean }) => {
      const store = await openStore();
      const model = await store.find(id, variant);
      if (undo) await removePacked(model.path);
      else {
        await writeLine(terminal.stderr, `Packing ${id} (${model.variant}) ...`);
        await packModel(store, model, packModelGraphs, terminal.signal);
      }
      const bytes = await packedBytes(model.path);
      await writeLine(
        terminal.stdout,
        `${id} (${model.variant}): ${bytes > 0 ? `packed, ${megabytes(bytes)} MB more` : 'not packed'}.`,
      );
    });
}
