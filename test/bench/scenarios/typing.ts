/**
 * Ghost text while somebody types: a recorded session (typing-script.ts) in a file of some 300 lines, replayed with its
 * pauses through the completion pipeline and the daemon.
 */
import { readCorpus } from '../corpus.ts';
import { withDaemon } from '../daemon.ts';
import type { Figure, Log, Plan } from '../plan.ts';
import { replay } from '../replay.ts';
import { eachRound, Samples } from '../rounds.ts';
import { medianWait, quantile } from '../statistics.ts';
import { recordSession } from '../typing-script.ts';

const FILE = 'queue.py';
const SEED = 1;
const KEYS = { full: 200, quick: 80 };

export const COLUMN = 'moebius';
export const WAIT_FIGURE = "keystroke to the model's answer, overtaken keys counted as waiting on, p50";

export async function typing(plan: Plan, log: Log): Promise<Figure[]> {
  const { text, version } = readCorpus([FILE]);
  const { opened, keys } = recordSession(text, SEED);
  const recording = { opened, keys: keys.slice(0, KEYS[plan.quick ? 'quick' : 'full']) };
  const count = (kind: string) => recording.keys.filter(key => key.kind === kind).length;
  log(
    `Python ${version}, ${FILE}, ${text.split('\n').length} lines; ${recording.keys.length} keystrokes: ` +
      `${count('type')} typed, ${count('delete')} deleted, ${count('jump')} jumps`,
  );
  const column = () => new Samples([COLUMN]);
  const p50 = column();
  const p95 = column();
  const modelP50 = column();
  const modelP95 = column();
  const waited = column();
  const share = column();
  const reused = column();
  const requests = column();
  const endedEarly = column();
  const readAheads = column();
  for (const round of eachRound(plan, 'typing', log)) {
    // A daemon of its own, so that no round finds what the one before has read.
    const { asked, shown, waits, ...counts } = await withDaemon(plan, ({ backend }) =>
      replay(backend, recording),
    );
    const all = shown.map(({ ms }) => ms);
    const byModel = shown.filter(({ source }) => source !== 'cache').map(({ ms }) => ms);
    p50.add(COLUMN, latency(all, 0.5));
    p95.add(COLUMN, latency(all, 0.95));
    modelP50.add(COLUMN, latency(byModel, 0.5));
    modelP95.add(COLUMN, latency(byModel, 0.95));
    if (waits.length > 0) waited.add(COLUMN, medianWait(waits));
    share.add(COLUMN, (100 * shown.length) / asked);
    if (counts.promptTokens > 0) reused.add(COLUMN, (100 * counts.reusedTokens) / counts.promptTokens);
    requests.add(COLUMN, counts.requests);
    endedEarly.add(COLUMN, counts.endedEarly);
    readAheads.add(COLUMN, counts.readAheads);
    log(
      `round ${round + 1}: ${shown.length} of ${asked} keystrokes got text, ${byModel.length} of them by the model; ` +
        `${waits.length} waited for it, ${waits.filter(({ isCut }) => isCut).length} until the next key`,
    );
  }
  return [
    p50.figure('typing', 'keystroke to text, p50', 'ms'),
    p95.figure('typing', 'keystroke to text, p95', 'ms'),
    modelP50.figure('typing', 'keystroke to text where the model was asked, p50', 'ms'),
    modelP95.figure('typing', 'keystroke to text where the model was asked, p95', 'ms'),
    waited.figure('typing', WAIT_FIGURE, 'ms'),
    share.figure('typing', 'keystrokes that got text', 'share'),
    reused.figure('typing', 'prompt tokens reused', 'share'),
    requests.figure('typing', 'requests', 'count'),
    endedEarly.figure('typing', 'requests ended early: overtaken, or enough was written', 'count'),
    readAheads.figure('typing', 'requests that only read ahead', 'count'),
  ];
}

/** Where nothing appeared, one would wait for ever. */
const latency = (values: readonly number[], part: number): number =>
  values.length > 0 ? quantile(values, part) : Number.POSITIVE_INFINITY;
