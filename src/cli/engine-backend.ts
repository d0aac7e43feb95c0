/** The engine in this process as a backend: one request after the other, since its session runs one at a time. */
import type { Backend, RequestOptions } from '../backends/backend.ts';
import { cancelled } from '../base/errors.ts';
import { Mutex } from '../base/mutex.ts';
import type { Engine } from '../engine/engine.ts';
import type { FinishReason } from '../protocol/daemon.ts';
import { hooksFor } from './engine-session.ts';

const NEVER = new AbortController().signal;

export function engineBackend(engine: Pick<Engine, 'generate' | 'complete' | 'count'>): Backend {
  const mutex = new Mutex();
  let count = 0;
  const hooks = ({ signal = NEVER, onEvent }: RequestOptions) => hooksFor(signal, onEvent);
  return {
    generate: (params, options = {}) =>
      mutex.run(async () => {
        const request = { ...params, requestId: `r${++count}` };
        return unlessCancelled(await engine.generate(request, hooks(options)));
      }),
    complete: (params, options = {}) =>
      mutex.run(async () => {
        const request = { ...params, requestId: `r${++count}` };
        return unlessCancelled(await engine.complete(request, hooks(options)));
      }),
    count: async params => engine.count(params),
  };
}

/** The engine hands back what it has; a backend rejects, as over the wire. */
function unlessCancelled<R extends { finish: FinishReason }>(result: R): R {
  if (result.finish === 'cancelled') throw cancelled();
  return result;
}
