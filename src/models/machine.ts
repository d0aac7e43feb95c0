/**
 * What the self-test found out about this machine, kept in machine.json of the store. It holds for one processor, number of
 * cores and version of the program; of another it is as if it were not there.
 */
import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { availableParallelism, cpus, freemem } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { version } from '../../package.json';
import { memoryBytes } from '../base/memory.ts';
import type { ModelVariant } from '../protocol/daemon.ts';
import type { Machine } from './hardware.ts';
import type { Store } from './store.ts';

const FILE_BYTES = 64 * 1024;

/** Weights a second that pass through a product: of one row (bound by memory), and of 128 rows, counted once a row. */
export interface FormSpeed {
  write: number;
  read: number;
}
export interface ThreadSpeed extends FormSpeed {
  threads: number;
}

export interface MachineSpeed {
  /** Every number of threads that was tried, with 4-bit weights in blocks of 32. */
  tried: ThreadSpeed[];
  /** The number that sessions get unless the user sets one; the speeds below are with it. */
  threads: number;
  int4: FormSpeed;
  /** 8-bit weights in blocks of 128. */
  int8: FormSpeed;
  /** Products of 8-bit codes; null where this processor cannot add them up exactly. */
  w8a8: FormSpeed | null;
  /** Seconds of one small operator between the products. */
  operatorSeconds: number;
  /** Part of the processor that the kernels got; the rest went to other programs. */
  share: number;
}

export interface MachineIdentity {
  cpu: string;
  cores: number;
  program: string;
}

export interface MachineProfile extends MachineIdentity, MachineSpeed {
  format: 2;
  measuredAt: string;
  tookMs: number;
}

const positive = z.number().positive();
const threads = z.int().min(1).max(1024);
const formSpeed = z.strictObject({ write: positive, read: positive });
const profileSchema: z.ZodType<MachineProfile> = z.strictObject({
  format: z.literal(2),
  cpu: z.string(),
  cores: threads,
  program: z.string(),
  measuredAt: z.iso.datetime(),
  tookMs: z.number().nonnegative(),
  tried: z.array(formSpeed.extend({ threads })).min(1),
  threads,
  int4: formSpeed,
  int8: formSpeed,
  w8a8: formSpeed.nullable(),
  operatorSeconds: positive,
  share: z.number().min(0).max(1),
});

export function thisMachine(): MachineIdentity {
  return { cpu: cpus()[0]?.model.trim() ?? 'unknown', cores: availableParallelism(), program: version };
}

/** null if the self-test never ran here, what it left is damaged, or it was another machine or version. */
export async function readMachineProfile(
  home: string,
  machine: MachineIdentity = thisMachine(),
): Promise<MachineProfile | null> {
  try {
    if ((await stat(profilePath(home))).size > FILE_BYTES) return null;
    const { success, data } = profileSchema.safeParse(JSON.parse(await readFile(profilePath(home), 'utf8')));
    return success && isOf(data, machine) ? data : null;
  } catch {
    return null;
  }
}

/** Threads of a model's sessions unless the user sets them: the best that was measured, else all. */
export async function sessionThreads(home: string): Promise<number> {
  return (await readMachineProfile(home))?.threads ?? availableParallelism();
}

/** What advice is given from: this machine as it is now, and as it was measured. */
export async function surveyMachine(store: Pick<Store, 'home' | 'freeBytes'>): Promise<Machine> {
  const totalBytes = memoryBytes();
  return {
    totalBytes,
    // In a container this is the host's.
    freeBytes: Math.min(freemem(), totalBytes),
    freeDiskBytes: await store.freeBytes(),
    speed: await readMachineProfile(store.home),
  };
}

/** Writes by a temporary file and rename; readable by this user alone. */
export async function writeMachineProfile(home: string, profile: MachineProfile): Promise<void> {
  const temporary = `${profilePath(home)}.${process.pid}.partial`;
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(profile, null, 2)}\n`);
    await file.close();
    await rename(temporary, profilePath(home));
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Below this, the speeds are those of a machine at other work, which is worth another look. */
const QUIET_SHARE = 0.85;
export const wasQuiet = ({ share }: Pick<MachineSpeed, 'share'>): boolean => share >= QUIET_SHARE;

const profilePath = (home: string): string => join(home, 'machine.json');

const isOf = (profile: MachineProfile, { cpu, cores, program }: MachineIdentity): boolean =>
  profile.cpu === cpu && profile.cores === cores && profile.program === program;

/** What an answer is made of, for weighing reading against writing. */
const TYPICAL = { readTokens: 600, writtenTokens: 120 };
/** A gain below this is what a machine with other work gives or takes from one run to the next. */
const WORTHWHILE = 0.9;

const secondsOf = ({ write, read }: FormSpeed): number =>
  TYPICAL.readTokens / read + TYPICAL.writtenTokens / write;

/** 8 bits where their products make an answer clearly quicker, which is where the processor has units for them; else 4, which take less memory. */
export function quickestVariant(speed: Pick<MachineSpeed, 'int4' | 'w8a8'> | null): ModelVariant {
  return speed?.w8a8 && secondsOf(speed.w8a8) < WORTHWHILE * secondsOf(speed.int4) ? 'int8' : 'int4';
}

/**
 * The number of threads with which an answer takes the least time: all there are, unless fewer are clearly faster, as on
 * processors whose threads share cores or whose memory a few of them already use up.
 */
export function bestThreads(tried: readonly ThreadSpeed[]): number {
  const [most, ...fewer] = tried.toSorted((a, b) => b.threads - a.threads);
  const quickest = fewer.toSorted((a, b) => secondsOf(a) - secondsOf(b))[0];
  if (!quickest || secondsOf(quickest) > WORTHWHILE * secondsOf(most!)) return most!.threads;
  return quickest.threads;
}
