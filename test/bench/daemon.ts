/** The daemon as the extension runs it: the built bundle in a child process, under the supervisor, behind the local backend. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ROOT, run } from '../../scripts/steps.ts';
import { LocalBackend } from '../../src/backends/local.ts';
import { monotonicClock } from '../../src/base/clock.ts';
import { spawnDaemon } from '../../src/host/daemon/spawn.ts';
import { Supervisor } from '../../src/host/daemon/supervisor.ts';
import { variantFolder } from '../support/models.ts';
import type { Plan } from './plan.ts';

/** The default of `moebius.engine.contextTokens`. */
export const DAEMON_CONTEXT_TOKENS = 8192;

export interface BenchDaemon {
  backend: LocalBackend;
  supervisor: Supervisor;
  /** Of the process that runs now. */
  pid(): number;
}

let built: Promise<string> | undefined;
/** Once per run, so that what is measured is what the sources say. */
const build = (): Promise<string> => (built ??= run(process.execPath, ['esbuild.js']));

/** A store with the one model that is measured and nothing else: what a daemon keeps of its reading stays out of theirs, and out of the next. */
function makeHome({ model, variant }: Pick<Plan, 'model' | 'variant'>): string {
  const parent = join(ROOT, '.cache', 'bench');
  mkdirSync(parent, { recursive: true });
  const home = mkdtempSync(join(parent, 'home-'));
  const folder = join(home, 'models', model);
  mkdirSync(folder, { recursive: true });
  symlinkSync(resolve(variantFolder(model, variant)), join(folder, variant), 'junction');
  return home;
}

/** Starts a daemon, loads the plan's model, runs `use`, stops it whatever happens. */
export async function withDaemon<T>(
  plan: Pick<Plan, 'model' | 'variant' | 'threads'>,
  use: (daemon: BenchDaemon) => Promise<T>,
): Promise<T> {
  await build();
  const home = makeHome(plan);
  let pid = 0;
  const supervisor = new Supervisor({
    spawn() {
      const child = spawnDaemon({
        script: join(ROOT, 'dist', 'daemon.js'),
        env: { MOEBIUS_HOME: home },
      });
      pid = child.pid!;
      return child;
    },
    settings: () => ({ model: plan.model, threads: plan.threads, contextTokens: DAEMON_CONTEXT_TOKENS }),
    clock: monotonicClock,
    clientName: 'bench',
    log: () => {},
  });
  try {
    await supervisor.ready();
    const backend = new LocalBackend(signal => supervisor.connect(signal));
    return await use({ backend, supervisor, pid: () => pid });
  } finally {
    await supervisor.stop();
    rmSync(home, { recursive: true, force: true });
  }
}
