/** The self-test's result where it is kept: taken from there, or measured and put there. */
import {
  type MachineProfile,
  type MachineSpeed,
  readMachineProfile,
  thisMachine,
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

/** Throws what `measure` throws. A result that can't be kept is given all the same. */
export async function machineProfile({
  home,
  measure,
  signal,
  again,
}: ProfileOptions): Promise<MachineProfile> {
  const kept = again ? null : await readMachineProfile(home);
  if (kept) return kept;
  const began = performance.now();
  const speed = await measure(signal ? { signal } : {});
  const profile: MachineProfile = {
    format: 1,
    ...thisMachine(),
    measuredAt: new Date().toISOString(),
    tookMs: Math.round(performance.now() - began),
    ...speed,
  };
  await writeMachineProfile(home, profile).catch(() => undefined);
  return profile;
}
