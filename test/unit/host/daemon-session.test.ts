/** One daemon process as its session sees it, with a process made of streams. */
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { Deferred } from '../../../src/base/deferred.ts';
import { DEFAULT_TIMINGS, Session } from '../../../src/host/daemon/session.ts';
import type { DaemonProcess, ExitInfo } from '../../../src/host/daemon/spawn.ts';
import { PROTOCOL_VERSION } from '../../../src/protocol/version.ts';
import type { ClientPeer } from '../../../src/rpc/daemon-peer.ts';
import { Peer } from '../../../src/rpc/peer.ts';
import { FakeClock } from '../../support/fake-clock.ts';

/** Counts its timers. */
class CountingClock extends FakeClock {
  disposed = 0;

  override after(ms: number, action: () => void) {
    const timer = super.after(ms, action);
    const dispose = () => {
      this.disposed++;
      timer.dispose();
    };
    return { dispose };
  }
}

describe('daemon session', () => {
  it('holds no more after many pings than after one', async () => {
    const [stdin, stdout] = [new PassThrough(), new PassThrough()];
    const exited = new Deferred<ExitInfo>();
    const process: DaemonProcess = {
      ...{ pid: 1, stdin, stdout, exited: exited.promise, stderrTail: () => '', kill: () => undefined },
      onStderrLine: () => ({ dispose: () => undefined }),
    };
    const daemon: ClientPeer = new Peer(stdin, stdout);
    let pings = 0;
    daemon.onRequest('ping', async () => {
      pings++;
      return {};
    });
    const engine = { name: 'onnxruntime-node', version: '1', threads: 1 } as const;
    const about = { protocolVersion: PROTOCOL_VERSION, daemonVersion: '1', pid: 1, engine };
    daemon.onRequest('initialize', async () => about);
    const clock = new CountingClock();
    const session = new Session(process, clock, DEFAULT_TIMINGS, () => undefined);
    await session.initialize('test');
    for (let n = 0; n < 10; n++) await clock.advance(DEFAULT_TIMINGS.pingEveryMs);
    assert.equal(pings, 10);
    clock.disposed = 0;
    exited.resolve({ code: 0, signal: null });
    await session.ended;
    assert.equal(clock.disposed, 1);
  });
});
