/** `generate` and `complete`: the requests that use the engine, one at a time, with their events. */
import type { Engine, RunHooks } from '../../engine/engine.ts';
import type { GenerateEvent, GenerateResult, Usage } from '../../protocol/daemon.ts';
import { EventStream } from '../event-stream.ts';
import { parseParams } from '../params.ts';
import type { Lane } from '../scheduler.ts';
import type { ServerContext } from '../server.ts';

export function handleRuns(context: ServerContext): void {
  context.serve('generate', async (raw, signal) => {
    const params = parseParams('generate', raw);
    const { requestId, priority = 'chat', sequence = 'chat' } = params;
    const place = { requestId, lane: priority, sequence, signal };
    return run(context, place, (engine, hooks) => engine.generate(params, hooks));
  });
  context.serve('complete', async (raw, signal) => {
    const params = parseParams('complete', raw);
    const { requestId, sequence = 'completion', maxTokens, ahead } = params;
    const lane: Lane = maxTokens === 0 ? 'idle' : ahead ? 'ahead' : 'completion';
    const place = { requestId, lane, sequence, signal };
    return run(context, place, (engine, hooks) => engine.complete(params, hooks));
  });
}

async function run<R extends GenerateResult>(
  { peer, residency, scheduler, status, statusChanged }: ServerContext,
  place: { requestId: string; lane: Lane; sequence: string; signal: AbortSignal },
  work: (engine: Engine, hooks: RunHooks) => Promise<R>,
): Promise<R> {
  const { requestId, lane, sequence, signal } = place;
  const events = new EventStream(event => peer.notify('generate/event', { requestId, event }));
  await residency.whenLoaded(signal);
  return scheduler.run({
    lane,
    sequence,
    signal,
    onQueued: position => events.push({ type: 'queued', position }),
    run: async slot => {
      // The engine knows only the waits between its steps, the slot also the one before the first.
      const withQueue = (usage: Usage): Usage => ({ ...usage, queueMs: Math.round(slot.waitedMs) });
      const onEvent = (event: GenerateEvent) => {
        if (slot.signal.aborted) return;
        status.note(event);
        statusChanged();
        events.push(event.type === 'usage' ? { ...event, usage: withQueue(event.usage) } : event);
      };
      const turn = async () => {
        await events.drained();
        await slot.turn();
      };
      const result = await work(residency.engine(), { signal: slot.signal, turn, onEvent });
      // Events come before the response.
      await events.drained();
      return { ...result, usage: withQueue(result.usage) };
    },
  });
}
