/**
 * What reading sparsely costs what is written: prompts of 1,024 tokens are read as a plan says, the 64 tokens that follow
 * in the text are scored as if the model had written them. The texts are the middles of library modules with which no
 * level was chosen.
 */
import { planRead } from '../../src/engine/read-plan.ts';
import { logProbOf } from '../../src/engine/sampler.ts';
import { ModelRunner } from '../../src/engine/session/model-runner.ts';
import type { LevelPlan } from '../../src/models/manifest.ts';
import { readManifest } from '../../src/models/manifest-file.ts';
import { readCorpus } from '../bench/corpus.ts';
import { readTokenizer } from '../support/tokenizer.ts';

const FILES = [
  ...['configparser.py', 'csv.py', 'logging/__init__.py', 'pathlib.py', 'zipfile.py', 'turtle.py'],
  ...['unittest/mock.py', 'urllib/request.py', 'doctest.py', 'pdb.py', 'pickle.py', 'http/client.py'],
];
const PROMPT = 1024;
const WRITTEN = 64;
const CHUNK = 128;

export interface TailText {
  file: string;
  /** Mean negative log probability of the written tokens, nats. */
  nats: number;
  /** The likeliest token at each of their places. */
  best: number[];
}

export async function measureTail(
  folder: string,
  plan: LevelPlan,
  { texts, threads }: { texts: number; threads: number },
): Promise<TailText[]> {
  const tokenizer = readTokenizer(folder);
  const manifest = await readManifest(folder);
  const contextTokens = PROMPT + WRITTEN;
  const model = await ModelRunner.load(
    { folder, manifest, contextTokens, threads, packed: null },
    () => undefined,
  );
  const measured: TailText[] = [];
  try {
    for (const file of FILES.slice(0, texts)) {
      const ids = tokenizer.encodePlain(readCorpus([file]).text);
      const from = Math.max(0, (ids.length >> 1) - PROMPT);
      const prompt = ids.slice(from, from + PROMPT);
      const written = ids.slice(from + PROMPT, from + PROMPT + WRITTEN);
      const logits = [await read(model, prompt, plan), await write(model, written, plan)];
      measured.push({ file, ...score(logits, written) });
      model.drop(0);
    }
  } finally {
    await model.release();
  }
  return measured;
}

const always = { sequence: 0, draftAbove: null };

/** Logits f32 [vocab] after the prompt. */
async function read(model: ModelRunner, prompt: number[], plan: LevelPlan): Promise<Float32Array> {
  let logits: Float32Array | null = null;
  for (const { from, to, ...reader } of planRead({ tokens: [], experts: [] }, prompt, plan).segments) {
    for (let at = from; at < to; at += CHUNK) {
      const tokens = prompt.slice(at, Math.min(at + CHUNK, to));
      const logitRows = at + tokens.length === prompt.length ? 1 : 0;
      ({ logits } = await model.forward({ ...always, ...reader, at, tokens, logitRows }));
    }
  }
  return logits!;
}

/** Logits f32 [written - 1, vocab] after each written token but the last. */
async function write(model: ModelRunner, written: number[], plan: LevelPlan): Promise<Float32Array> {
  const tokens = written.slice(0, -1);
  const args = { ...always, at: PROMPT, tokens, experts: plan.writeK, logitRows: tokens.length };
  return (await model.forward(args)).logits!;
}

function score([first, others]: Float32Array[], written: number[]): Pick<TailText, 'nats' | 'best'> {
  const vocab = first!.length;
  let sum = 0;
  const best = written.map((token, i) => {
    const row = i === 0 ? first! : others!.subarray((i - 1) * vocab, i * vocab);
    sum -= logProbOf(row, token);
    let likeliest = 0;
    for (let id = 1; id < vocab; id++) if (row[id]! > row[likeliest]!) likeliest = id;
    return likeliest;
  });
  return { nats: sum / written.length, best };
}
