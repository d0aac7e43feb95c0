/** Work on files that the daemon has open. Pure. */
import type { Daemon } from '../context.ts';

/** Whatever becomes of the work, the daemon is started again: stopped, it would refuse everything until somebody did that. */
export async function whileStopped(
  daemon: Pick<Daemon, 'stop' | 'restart'>,
  work: () => Promise<void>,
): Promise<void> {
  await daemon.stop();
  try {
    await work();
  } finally {
    await daemon.restart();
  }
}
