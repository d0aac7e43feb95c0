/** `moebius doctor`: what this machine can do, as measured, and what that means for each model. */
import { Command } from 'commander';
import { isConvertible } from '../models/architectures.ts';
import { catalogue } from '../models/catalogue.ts';
import { adviseAddition, adviseInstalled } from '../models/hardware.ts';
import { type MachineProfile, surveyMachine, wasQuiet } from '../models/machine.ts';
import { openStore } from '../models/store.ts';
import { measuredMachine } from './machine.ts';
import { type Terminal, writeLine } from './terminal.ts';

export function doctorCommand(terminal: Terminal): Command {
  return new Command('doctor')
    .description('measure this machine (once, then kept) and say what each model would be like on it')
    .option('--again', 'measure again')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  $ moebius doctor --again')
    .action(async ({ again, json }: { again?: boolean; json?: boolean }) => {
      const store = await openStore();
      const profile = await measuredMachine(terminal, store, again);
      const machine = await surveyMachine(store);
      const installed = await store.list();
      const models = [
        ...(await Promise.all(
          installed.map(async model => ({
            name: `${model.id} (${model.variant}, installed)`,
            advice: await adviseInstalled(model, machine),
          })),
        )),
        ...catalogue()
          .filter(
            ({ id, architecture }) => isConvertible(architecture) && installed.every(one => one.id !== id),
          )
          .map(({ id, facts, sizeBytes }) => {
            const { variant, ...advice } = adviseAddition(facts, sizeBytes, machine);
            return { name: `${id} (${variant})`, advice };
          }),
      ];
      if (json) return writeLine(terminal.stdout, JSON.stringify({ profile, models }));
      if (profile) await writeLine(terminal.stdout, describeProfile(profile));
      for (const { name, advice } of models)
        await writeLine(terminal.stdout, `\n${name}\n  ${advice.sentence}`);
    });
}

/** Bytes that a weight takes in memory, for a rate that can be compared with the memory's own. */
const INT4_BYTES = 0.75;

function describeProfile(profile: MachineProfile): string {
  const { cpu, cores, tried, threads, int4, int8, w8a8, operatorSeconds, measuredAt, tookMs } = profile;
  const billions = (value: number) => (value / 1e9).toFixed(1).padStart(7);
  return [
    `${cpu}, ${cores} ${cores === 1 ? 'thread' : 'threads'}; measured ${measuredAt} in ${(tookMs / 1000).toFixed(1)} s`,
    `Memory gives ${((int4.write * INT4_BYTES) / 1e9).toFixed(1)} GB of weights a second to a step of one token.`,
    '',
    'threads  kernel            1 row   128 rows   (billions of weights a second, of multiply-adds for the rows)',
    ...tried.map(
      one =>
        `${String(one.threads).padStart(7)}  4 bits      ${billions(one.write)}    ${billions(one.read)}`,
    ),
    `${String(threads).padStart(7)}  8 bits      ${billions(int8.write)}    ${billions(int8.read)}`,
    w8a8
      ? `${String(threads).padStart(7)}  8-bit codes ${billions(w8a8.write)}    ${billions(w8a8.read)}`
      : 'This processor cannot multiply 8-bit codes exactly: models are added in 4 bits.',
    `Small operators: ${(operatorSeconds * 1e6).toFixed(1)} microseconds each.`,
    ...(wasQuiet(profile)
      ? []
      : [
          `Other programs had ${Math.round(100 * (1 - profile.share))} % of the processor: measure again when they rest.`,
        ]),
    `Models run with ${threads} of ${cores} threads${tried.length > 1 ? '' : ' (no other number was tried)'}.`,
  ].join('\n');
}
