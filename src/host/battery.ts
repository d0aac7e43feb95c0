/**
 * Whether the machine runs on battery, where the system tells without native code: Linux by files, macOS by `pmset`. On
 * Windows it is not known and counts as no.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startShell } from '../workspace/process.ts';
import type { Settings } from './settings.ts';

const SUPPLIES = '/sys/class/power_supply';
/** A charger that is pulled out is noticed after so long. */
const FRESH_MS = 30_000;

export class Battery {
  private readonly read: () => Promise<boolean>;
  private readonly now: () => number;
  private readMs = Number.NEGATIVE_INFINITY;
  private isDischarging = false;

  constructor(read = () => isDischarging(), now = () => performance.now()) {
    this.read = read;
    this.now = now;
  }

  /** As it was when it was asked for last: nobody waits for the system. */
  get isInUse(): boolean {
    if (this.now() - this.readMs >= FRESH_MS) {
      this.readMs = this.now();
      this.read().then(
        isDischarging => {
          this.isDischarging = isDischarging;
        },
        () => undefined,
      );
    }
    return this.isDischarging;
  }
}

export const savesPower = (
  { savePower }: Pick<Settings['completion'], 'savePower'>,
  battery: Battery,
): boolean => (savePower === 'auto' ? battery.isInUse : savePower === 'on');

function isDischarging(): Promise<boolean> {
  if (process.platform === 'linux') return isLinuxDischarging(SUPPLIES);
  return process.platform === 'darwin' ? isMacDischarging() : Promise.resolve(false);
}

/**
 * By the batteries in `folder` (the kernel's Documentation/ABI/testing/sysfs-class-power); those of mice and headphones
 * have the scope `Device` and say nothing of the machine. Rejects where there is no such folder.
 */
export async function isLinuxDischarging(folder: string): Promise<boolean> {
  const read = async (supply: string, file: string): Promise<string> =>
    readFile(join(folder, supply, file), 'utf8').then(
      text => text.trim(),
      () => '',
    );
  for (const supply of await readdir(folder)) {
    const [type, scope, status] = await Promise.all(
      ['type', 'scope', 'status'].map(file => read(supply, file)),
    );
    if (type === 'Battery' && scope !== 'Device' && status === 'Discharging') return true;
  }
  return false;
}

/** `pmset` says "Now drawing from 'Battery Power'" in its first line. */
function isMacDischarging(): Promise<boolean> {
  return new Promise(resolve => {
    let told = '';
    const shell = startShell('pmset -g batt', '/');
    shell.onData(chunk => {
      told += chunk.toString();
    });
    shell.onExit(() => resolve(told.includes("'Battery Power'")));
  });
}
