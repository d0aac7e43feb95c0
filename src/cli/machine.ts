/** This machine as a command sees it: measured once, with a word to who waits for it. */
import { areProductsExact } from '../engine/exact-products.ts';
import { runSelfTest } from '../engine/self-test.ts';
import { type MachineProfile, readMachineProfile, wasQuiet } from '../models/machine.ts';
import { machineProfile } from '../models/self-test.ts';
import type { Store } from '../models/store.ts';
import type { ModelVariant } from '../protocol/daemon.ts';
import { type Terminal, writeLine } from './terminal.ts';

/** null where the self-test fails: advice is then of memory and disk alone. Throws `cancelled`. */
export async function measuredMachine(
  terminal: Terminal,
  { home }: Pick<Store, 'home'>,
  again = false,
): Promise<MachineProfile | null> {
  const { signal } = terminal;
  const kept = await readMachineProfile(home);
  if (again || !kept || !wasQuiet(kept))
    await writeLine(terminal.stderr, 'Measuring this machine, a few seconds ...');
  try {
    return await machineProfile({ home, measure: runSelfTest, signal, again });
  } catch (error) {
    if (signal.aborted) throw error;
    await writeLine(terminal.stderr, `It could not be measured: ${(error as Error).message}`);
    return null;
  }
}

/** In what products a model of this variant is converted here; blocks run on every processor. */
export const productsHere = async (
  variant: ModelVariant,
  areExact = areProductsExact,
): Promise<'codes' | 'blocks'> => (variant !== 'int8' || (await areExact()) ? 'codes' : 'blocks');
