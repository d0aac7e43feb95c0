/**
 * What of a decode step is not the runtime's: choosing the token, its text, the tensors around a run, the logits computed again.
 * The engine's own loop, with the model in this thread, so that the time inside of the runtime can be told from the rest; the
 * way to the engine's thread and back, which is missing then, is measured apart and added.
 */

import { generateRequest, runRequest } from '../../../src/engine/generate.ts';
import { loadCore } from '../../../src/engine/load.ts';
import { GraphSession } from '../../../src/engine/session/graph-session.ts';
import { ModelRunner } from '../../../src/engine/session/model-runner.ts';
import { readManifest } from '../../../src/models/manifest-file.ts';
import type { GenerateParams } from '../../../src/protocol/daemon.ts';
import { promptOfLength, readCorpus, SPEED_FILES } from '../corpus.ts';
import { type Figure, type Log, moebiusConfig, type Plan } from '../plan.ts';
import { eachRound, Samples } from '../rounds.ts';
import { median } from '../statistics.ts';

export const SCRIPT_FIGURE = 'share of a step outside the runtime, at 512';
export const SCRIPT_COLUMN = 'greedy';
const WAYS: Record<string, Partial<GenerateParams>> = {
  [SCRIPT_COLUMN]: { temperature: 0 },
  'temperature 0.2': { temperature: 0.2, seed: 1 },
};
const STEPS = 48;
const TRIPS = 200;

export async function script(plan: Plan, log: Log): Promise<Figure[]> {
  const [config] = moebiusConfig(plan, plan.variant);
  if (!config) return [];
  const { folder, threads, contextTokens } = config;
  const manifest = await readManifest(folder);
  const options = { folder, contextTokens, threads };
  const core = await loadCore(options);
  const tripMs = await roundTrip(() => core.worker.request('experts', {}));
  await core.worker.terminate();
  const runner = await ModelRunner.load({ ...options, manifest, packed: null }, () => {});
  const clock = runtimeClock();
  try {
    const names = Object.keys(WAYS);
    const [share, milliseconds] = [new Samples(names), new Samples(names)];
    const { text } = readCorpus(SPEED_FILES);
    for (const round of eachRound(plan, 'script', log)) {
      const tokenize = async (part: string) => core.tokenizer.encodePlain(part);
      const prompt = await promptOfLength(text, 512, round, tokenize);
      for (const [name, way] of Object.entries(WAYS)) {
        let began = Number.NaN;
        let steps = 0;
        const request = async (method: string, args: never) => {
          if (method !== 'forward') return {};
          if ((args as { tokens: number[] }).tokens.length === 1 && steps++ === 0) {
            began = performance.now();
            clock.restart();
          }
          return runner.forward(args);
        };
        const worker = { ...core.worker, request } as typeof core.worker;
        const params = { requestId: 'bench', prompt, maxTokens: STEPS + 1, drafts: false, ...way };
        const hooks = { signal: new AbortController().signal, turn: async () => {}, onEvent: () => {} };
        const asked = { ...core, worker };
        await runRequest(asked, generateRequest(asked, params), hooks);
        const totalMs = performance.now() - began + steps * tripMs;
        const outsideMs = totalMs - clock.ms;
        share.add(name, (100 * outsideMs) / totalMs);
        milliseconds.add(name, outsideMs / steps);
      }
    }
    return [
      share.figure('script', SCRIPT_FIGURE, '%'),
      milliseconds.figure('script', 'the same, a step', 'ms'),
      {
        scenario: 'script',
        what: 'of it the way to the thread',
        unit: 'ms',
        values: { [SCRIPT_COLUMN]: tripMs },
        rounds: TRIPS,
      },
    ];
  } finally {
    clock.stop();
    await runner.release();
  }
}

/** Median ms of one. */
async function roundTrip(trip: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < TRIPS; i++) {
    const began = performance.now();
    await trip();
    times.push(performance.now() - began);
  }
  return median(times);
}

/** Adds up the time inside of onnxruntime's runs, of all graphs. */
function runtimeClock() {
  const { run } = GraphSession.prototype;
  const clock = {
    ms: 0,
    restart() {
      clock.ms = 0;
    },
    stop() {
      GraphSession.prototype.run = run;
    },
  };
  GraphSession.prototype.run = async function (feeds) {
    const began = performance.now();
    try {
      return await run.call(this, feeds);
    } finally {
      clock.ms += performance.now() - began;
    }
  };
  return clock;
}
