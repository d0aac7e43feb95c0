/**
 * `npm run eval -- agent`: whether the agent solves what it is given, with the real daemon and the guided profile, on files in
 * memory. Runs programs that a model wrote: see sandbox.ts. See docs/evaluation.md.
 */
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import type { AgentOptions, AgentOutcome } from '../../../src/agent/agent.ts';
import { runGuided } from '../../../src/agent/guided/run.ts';
import type { AgentEvent } from '../../../src/agent/ports.ts';
import type { Backend } from '../../../src/backends/backend.ts';
import { LocalBackend } from '../../../src/backends/local.ts';
import { positiveInteger } from '../../../src/cli/engine-session.ts';
import { FileFaults } from '../../../src/completion/syntax/file-faults.ts';
import { stopAll, watchDaemon } from '../../support/daemons.ts';
import { testGrammars } from '../../support/grammars.ts';
import { ALLOW_ALL, memoryPorts } from '../../support/memory-ports.ts';
import { everyNth } from '../cut.ts';
import type { AgentCase, Try } from './case.ts';
import { FIXING, fixingCases } from './fixing.ts';
import { POLYGLOT, polyglotCases } from './polyglot.ts';
import { sampleCases } from './samples.ts';

interface Options {
  data: string;
  suites: string;
  limit: number;
  only?: string;
  part?: 'even' | 'odd';
  model: string;
  threads: number;
  seed: string;
  trace: boolean;
  json?: string;
}
interface Scored {
  id: string;
  /** Tries until it passed; null: it never did. */
  passedAt: number | null;
  /** Why the last try failed. */
  failure: string | null;
  error: string | null;
  outcomes: Pick<
    AgentOutcome,
    'reason' | 'text' | 'turns' | 'promptTokens' | 'reusedTokens' | 'outputTokens'
  >[];
  files: Record<string, string>;
  /** What the model wrote, turn by turn. */
  answers: string[];
  seconds: number;
}

const DAEMON = join(__dirname, '..', '..', '..', 'dist', 'daemon.js');
const SAMPLES = 'agent-samples';
const SUITES = [SAMPLES, ...Object.keys(FIXING), ...Object.keys(POLYGLOT)];
/** Of one try. */
const BUDGET = { turns: 10, outputTokens: 8000, timeMs: 15 * 60_000 };
const WINDOW_TOKENS = 8192;
/** As in the product: where nothing else checks a case, this is all that an edit must stand up to. */
const SYNTAX = new FileFaults(testGrammars(), Number.POSITIVE_INFINITY);

export const agentCommand = new Command('agent')
  .description('tasks for the agent, guided profile')
  .option('--suites <names>', 'comma separated; a beginning stands for all that begin so', SUITES.join(','))
  .option(
    '--limit <n>',
    'at most n records of each suite, evenly spread',
    positiveInteger,
    Number.MAX_SAFE_INTEGER,
  )
  .option('--only <text>', 'records whose id contains this')
  .addOption(
    new Option(
      '--part <half>',
      'every other record of a suite: one half to develop with, one to report',
    ).choices(['even', 'odd']),
  )
  .option(
    '--data <folder>',
    'folder with the data sets',
    join(__dirname, '..', '..', '..', '..', 'shared', 'eval'),
  )
  .option('--model <id>', 'converted model of the store', 'qwen2.5-coder-1.5b')
  .option('--threads <n>', 'threads of the engine', positiveInteger, availableParallelism())
  .option('--seed <name>', 'other samples for another name', '1')
  .option('--trace', 'show what the model writes as it does', false)
  .option('--json <file>', 'write every outcome there')
  .action(run);

async function run(options: Options): Promise<void> {
  const wanted = options.suites.split(',');
  const suites = SUITES.filter(name => wanted.some(want => name.startsWith(want)));
  if (suites.length === 0) throw new Error(`There is no suite \`${options.suites}\`: ${SUITES.join(', ')}.`);
  const { supervisor, settings } = watchDaemon(DAEMON, { model: options.model });
  settings.threads = options.threads;
  const backend = new LocalBackend(signal => supervisor.connect(signal));
  const results: Record<string, Scored[]> = {};
  try {
    await supervisor.ready();
    for (const suite of suites) {
      results[suite] = [];
      for (const one of select(casesOf(suite, options.data), options)) {
        const scored = await solve(one, backend, options.seed, options.trace);
        results[suite].push(scored);
        console.error(`  ${line(scored)}`);
        if (options.json) writeFileSync(options.json, `${JSON.stringify({ options, results }, null, 2)}\n`);
      }
    }
  } finally {
    await stopAll();
  }
  console.log(render(results));
}

function casesOf(suite: string, folder: string): AgentCase[] {
  if (suite === SAMPLES) return sampleCases();
  return suite in FIXING
    ? fixingCases(suite as keyof typeof FIXING, folder)
    : polyglotCases(suite as keyof typeof POLYGLOT, folder);
}

/** The halves are by a record's place in its whole suite, from 0, whatever else is selected. */
const select = (cases: AgentCase[], { only, part, limit }: Options): AgentCase[] =>
  everyNth(
    cases
      .filter((_, index) => part === undefined || index % 2 === (part === 'even' ? 0 : 1))
      .filter(({ id }) => only === undefined || id.includes(only)),
    limit,
  );

/** What happens, as it happens. */
function trace(event: AgentEvent): void {
  if (event.type === 'turn') process.stderr.write(`\n-- ${event.turn}\n`);
  else if (event.type === 'text') process.stderr.write(event.text);
  else if (event.type === 'notice') process.stderr.write(`\n-- ${event.text}\n`);
  else if (event.type === 'call') process.stderr.write(`\n-- ${event.title}\n`);
  else if (event.type === 'result') process.stderr.write(`${event.summary}\n`);
}

async function solve(one: AgentCase, backend: Backend, seed: string, isTraced: boolean): Promise<Scored> {
  const start = performance.now();
  const scored: Scored = {
    id: one.id,
    passedAt: null,
    failure: null,
    error: null,
    outcomes: [],
    files: {},
    answers: [],
    seconds: 0,
  };
  const attempt = async (what: Try, number: number) => {
    const emit = (event: AgentEvent) => {
      if (event.type === 'turn') scored.answers.push('');
      if (isTraced) trace(event);
      if (event.type === 'text') scored.answers.push(scored.answers.pop() + event.text);
    };
    const options = optionsFor(one, what, backend, `${seed}-${number}`, emit);
    const outcome = await runGuided(options);
    const { reason, text, turns, promptTokens, reusedTokens, outputTokens } = outcome;
    scored.outcomes.push({ reason, text, turns, promptTokens, reusedTokens, outputTokens });
    if (reason === 'error') throw new Error(text);
    scored.failure = await one.judge(one.files, text);
    if (scored.failure === null) scored.passedAt = number;
  };
  try {
    await attempt(one.first, 1);
    if (scored.failure !== null && one.second) await attempt(await one.second(one.files), 2);
  } catch (error) {
    scored.error = error instanceof Error ? error.message : String(error);
  }
  scored.files = Object.fromEntries(one.files);
  scored.seconds = (performance.now() - start) / 1000;
  return scored;
}

function optionsFor(
  one: AgentCase,
  what: Try,
  backend: Backend,
  turnId: string,
  emit: AgentOptions['emit'],
): AgentOptions {
  return {
    ...what,
    ...ALLOW_ALL,
    mode: 'agent',
    backend,
    ports: memoryPorts(one.files, { syntax: SYNTAX, ...one.world }),
    budget: BUDGET,
    windowTokens: WINDOW_TOKENS,
    turnId,
    sequence: 'agent',
    history: [],
    rules: '',
    emit,
    signal: new AbortController().signal,
  };
}

function line({ id, passedAt, failure, error, outcomes, seconds }: Scored): string {
  const turns = outcomes.map(outcome => outcome.turns).join('+');
  const verdict = error
    ? `error: ${error}`
    : passedAt
      ? `pass at try ${passedAt}`
      : `fail: ${failure?.trim().slice(0, 100)}`;
  return `${id}: ${verdict.replaceAll('\n', ' ')} (${turns} turns, ${Math.round(seconds)} s)`;
}

/** Errors stand apart: they are no wrong answers. */
function render(results: Record<string, Scored[]>): string {
  const rows = Object.entries(results).map(([suite, all]) => {
    const judged = all.filter(({ error }) => error === null);
    const by = (tries: number) =>
      judged.filter(({ passedAt }) => passedAt !== null && passedAt <= tries).length;
    const sum = (pick: (outcome: Scored['outcomes'][number]) => number) =>
      all.flatMap(({ outcomes }) => outcomes).reduce((total, outcome) => total + pick(outcome), 0);
    const share = (part: number) =>
      `${((100 * part) / Math.max(1, judged.length)).toFixed(0)} % (${part}/${judged.length})`;
    const seconds = all.reduce((total, one) => total + one.seconds, 0);
    const cells = [
      suite,
      share(by(1)),
      share(by(2)),
      all.length - judged.length,
      sum(outcome => outcome.turns),
    ];
    return `| ${[...cells, sum(outcome => outcome.outputTokens), `${Math.round(seconds)} s`].join(' | ')} |`;
  });
  return [
    '| suite | first try | two tries | errors | answers | tokens written | time |',
    '|---|--:|--:|--:|--:|--:|--:|',
    ...rows,
  ].join('\n');
}
