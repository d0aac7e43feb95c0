/** Supervisors over the real child process, for tests; every process started here is gone after `stopAll`. */
import { readFileSync } from 'node:fs';
import { monotonicClock } from '../../src/base/clock.ts';
import type { DaemonState } from '../../src/host/context.ts';
import { type DaemonProcess, spawnDaemon } from '../../src/host/daemon/spawn.ts';
import { type DaemonSettings, Supervisor, type SupervisorOptions } from '../../src/host/daemon/supervisor.ts';

export interface Watched {
  supervisor: Supervisor;
  /** Kinds of the states it went through, repeats left out. */
  kinds: string[];
  states: DaemonState[];
  log: string[];
  processes: DaemonProcess[];
  settings: DaemonSettings;
}

const running: Supervisor[] = [];

export function watchDaemon(
  script: string,
  options: Partial<SupervisorOptions> & {
    env?: Record<string, string | undefined>;
    model?: string | null;
  } = {},
): Watched {
  const { env = {}, model = 'small', ...rest } = options;
  const watched: Omit<Watched, 'supervisor'> = {
    kinds: [],
    states: [],
    log: [],
    processes: [],
    settings: { model, threads: 1 },
  };
  const supervisor = new Supervisor({
    spawn() {
      const process = spawnDaemon({ script, env });
      watched.processes.push(process);
      return process;
    },
    settings: () => watched.settings,
    clock: monotonicClock,
    clientName: 'test',
    log: (level, message) => watched.log.push(`${level}: ${message}`),
    random: () => 0.5,
    ...rest,
  });
  supervisor.onDidChangeState(state => {
    watched.states.push(state);
    if (watched.kinds.at(-1) !== state.kind) watched.kinds.push(state.kind);
  });
  running.push(supervisor);
  return { supervisor, ...watched };
}

export async function stopAll(): Promise<void> {
  await Promise.all(running.splice(0).map(supervisor => supervisor.stop()));
}

/** False for a zombie too: it has ended, its parent has not looked yet. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return (
      process.platform !== 'linux' || !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'))
    );
  } catch {
    return false;
  }
}

/** Waits until `condition` holds; fails after `ms`. Returns how long it took. */
export async function until(condition: () => boolean, ms = 5000): Promise<number> {
  const started = performance.now();
  while (!condition()) {
    if (performance.now() - started > ms) throw new Error(`Not within ${ms} ms: ${condition}`);
    await new Promise(resolve => setTimeout(resolve, 2));
  }
  return performance.now() - started;
}
