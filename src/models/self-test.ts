/** The self-test's result where it is kept: taken from there, or measured and put there. */
import {
  type MachineProfile,
  type MachineSpeed,
  readMachineProfile,
  thisMachine,
  wasQuiet,
  writeMachineProfile,
} from './machine.ts';

export type MeasureMachine = (options: { signal?: AbortSignal }) => Promise<MachineSpeed>;

export interface ProfileOptions {
  /** Folder of the store. */
  home: string;
  measure: MeasureMachine;
  signal?: AbortSignal;
  /** Measure although there is a result. */
  again?: boolean;
}

/** Measured again also where the kept one is of a busy machine. Throws what `measure` throws. A result that can't be kept is given all the same. */
export async function machineProfile({
  home,
  measure,
  signal,
  again,
}: ProfileOptions): Promise<MachineProfile> {
  const kept = again ? null : await readMachineProfile(home);
  if (kept && wasQuiet(kept)) return kept;
  const began = performance.now();
  const speed = await measure(signal ? { signal } : {});
  const profile: MachineProfile = {
    format: 2,
    ...thisMachine(),
    measuredAt: new Date().toISOString(),
    tookMs: Math.round(performance.now() - began),
    ...speed,
  };
  if (kept && kept.share > profile.share) return kept;
  await writeMachineProfile(home, profile).catch(() => undefined);
  return profile;
}
