/**
 * The guided change: find the place, ask for its new version, put it in, check, say what is wrong with it, and again. The model
 * writes code; everything else is done here.
 */
import { MoebiusError } from '../../base/errors.ts';
import type { ChatMessage } from '../../protocol/daemon.ts';
import type { AgentOptions } from '../agent.ts';
import { fenceFor } from '../code/fence.ts';
import type { StopReason } from '../ports.ts';
import type { Checks } from './checks.ts';
import { codeIn, type Placed, placeCode } from './code-answer.ts';
import { type Findings, isBetter, isSolved } from './findings.ts';
import { gather, relatedCode, type Step, workspacePaths } from './gather.ts';
import { withoutMarkers } from './markers.ts';
import {
  codeContent,
  type Form,
  failureContent,
  feedbackContent,
  type Reference,
  stepContent,
} from './prompts.ts';
import { languageOf } from './source-paths.ts';
import type { Workbench } from './workbench.ts';
import type { Writer } from './writer.ts';

export interface Ending {
  reason: StopReason;
  text: string;
}

/**
 * How the tries differ. The first is what the model finds most likely; then it says first what it will do, since it is then less
 * ready to copy the code as it is; then it hears what was wrong with that, and says again what it will do; then it begins anew with
 * other samples and other places, since a small model that has gone astray stays with its mistake when it is only told of it.
 * `step`: of the places to change, which.
 */
const TRIES: readonly { how: 'code' | 'diagnosis' | 'follow-up'; step: number; temperature: number }[] = [
  { how: 'code', step: 0, temperature: 0 },
  { how: 'diagnosis', step: 0, temperature: 0.2 },
  { how: 'follow-up', step: 0, temperature: 0.4 },
  { how: 'code', step: 1, temperature: 0.4 },
  { how: 'diagnosis', step: 1, temperature: 0.7 },
  { how: 'code', step: 2, temperature: 0.7 },
  { how: 'diagnosis', step: 0, temperature: 0.9 },
  { how: 'code', step: 0, temperature: 1 },
];
const TOP_P = 0.95;
const DIAGNOSIS_TOKENS = 120;
const ADVICE_TOKENS = 200;
const CHARS_PER_TOKEN = 3;
/** An answer to a stub is as long as what it implements. */
const LEAST_ANSWER_TOKENS = 1200;
const MOST_ANSWER_TOKENS = 4096;
/** Of the window, for the template and the start of the answer. */
const SPARE_TOKENS = 64;

const NO_PLACE = 'I found no file that this is about. Open the file, or name it in the task.';
const TOO_MUCH =
  'The code and what is attached do not fit into the model. Attach less, or select a part of the file.';
/** A task to make the check pass; any other must only not make it worse. */
const MENDS = /\b(?:fix|fail|broken|break|bug|pass|error|wrong|crash|debug|repair|red\b)/i;
const PASSES_ALREADY = /\b(?:fail|fails|failing|failure|broken|red)\b/i;

/** All that a try builds on. */
interface Situation {
  paths: string[];
  steps: Step[];
  tests: Reference[];
  start: Findings;
  best: Findings;
}

export class Change {
  private readonly options: AgentOptions;
  private readonly writer: Writer;
  private readonly checks: Checks;
  private readonly workbench: Workbench;
  private readonly opening: ChatMessage[];

  /** `opening`: the messages that every attempt begins with. */
  constructor(
    options: AgentOptions,
    writer: Writer,
    checks: Checks,
    workbench: Workbench,
    opening: ChatMessage[],
  ) {
    this.options = options;
    this.writer = writer;
    this.checks = checks;
    this.workbench = workbench;
    this.opening = opening;
  }

  /** @throws MoebiusError `refused` when the user does not allow it, `not-found` and `context-full` when nothing can be done */
  async run(): Promise<Ending> {
    const { options, checks, workbench } = this;
    const paths = await workspacePaths(options);
    const problems = await checks.problemsOfTask();
    const report = problems.length > 0 ? null : await checks.check(paths);
    if (report?.isPassing && PASSES_ALREADY.test(options.task))
      return { reason: 'done', text: `\`${options.checkCommand}\` passes already: nothing was changed.` };
    const { steps, tests } = await gather(options, paths, problems, report, path => workbench.best(path));
    if (steps.length === 0) throw new MoebiusError('not-found', NO_PLACE);
    for (const { path } of steps) await checks.remember(path);
    const start: Findings = { check: report, remaining: problems, fresh: [] };
    return this.tries({ paths, steps, tests, start, best: start });
  }

  private async tries(situation: Situation): Promise<Ending> {
    const { workbench, writer, checks } = this;
    const { steps, paths, start } = situation;
    const seen = new Set<string>();
    let failure = '';
    // A failing test says where it fails, not what is wrong: written straight away, the code comes back as it was.
    const tries = start.check?.isPassing === false ? TRIES.slice(1) : TRIES;
    for (const [index, { how, step: place, temperature }] of tries.entries()) {
      if (!writer.hasBudget()) break;
      const step = steps[place % steps.length]!;
      const text = await workbench.best(step.path);
      const sampling = { temperature, topP: TOP_P, seed: seedOf(this.options.turnId) + index };
      const messages =
        how === 'follow-up' && failure !== ''
          ? await this.diagnosed([...writer.history, user(feedbackContent(failure))], step, sampling)
          : await this.newAttempt(situation, step, text, how === 'diagnosis' ? how : 'code', sampling);
      const placed = await this.writeCode(messages, step, text, sampling);
      if (placed.kind === 'refused') {
        failure = placed.reason;
        continue;
      }
      const key = `${step.path}\n${placed.text}`;
      if (seen.has(key)) {
        failure = 'That was tried already and is wrong. Do it in another way.';
        continue;
      }
      seen.add(key);
      await workbench.tryText(step.path, placed.text);
      const now = await checks.look(paths, start.check !== null);
      if (isSolved(now, start, MENDS.test(this.options.task))) {
        workbench.keep();
        return { reason: 'done', text: this.summary() };
      }
      failure = failureContent(now, placed.text, this.options.checkCommand);
      if (isBetter(now, situation.best)) {
        workbench.keep();
        situation.best = now;
        // The next attempt begins with the new state, not with what was said about the old one.
        failure = '';
      }
    }
    await workbench.restore();
    return this.giveUp(situation);
  }

  /** The user is told what is left to do: install a package, decide something, look at one place. */
  private async giveUp(situation: Situation): Promise<Ending> {
    const { writer, workbench, opening } = this;
    const told = isBetter(situation.best, situation.start)
      ? 'It is not solved yet. What helped is kept.'
      : 'What I tried did not help, so nothing is changed.';
    if (!writer.hasBudget()) return { reason: 'limit', text: told };
    const step = situation.steps[0]!;
    const content = await this.firstMessage(situation, step, await workbench.best(step.path), 'advice');
    const messages = [...opening, user(content)];
    const advice = await writer.write({ messages, maxTokens: ADVICE_TOKENS, temperature: 0, seed: 0 });
    return { reason: 'limit', text: `${told}\n\n${advice.text.trim()}` };
  }

  /** The messages up to the request for code. */
  private async newAttempt(
    situation: Situation,
    step: Step,
    text: string,
    form: Form,
    sampling: Sampling,
  ): Promise<ChatMessage[]> {
    const content = await this.firstMessage(situation, step, text, form);
    const messages = [...this.opening, user(content)];
    return form === 'code' ? messages : this.diagnosed(messages, step, sampling);
  }

  /** Lets the model say what it will change, and asks for the code then. */
  private async diagnosed(messages: ChatMessage[], step: Step, sampling: Sampling): Promise<ChatMessage[]> {
    await this.writer.write({ messages, maxTokens: DIAGNOSIS_TOKENS, ...sampling });
    return [...this.writer.history, user(codeContent(step.path, step.region))];
  }

  private async writeCode(
    messages: ChatMessage[],
    step: Step,
    text: string,
    sampling: Sampling,
  ): Promise<Placed> {
    const code = codeOf(text, step);
    const fence = fenceFor(code);
    const tokens = Math.ceil((code.length / CHARS_PER_TOKEN) * 1.5);
    const { text: answer, finish } = await this.writer.write({
      messages,
      answerPrefix: `${fence}${languageOf(step.path)}\n`,
      stop: [`\n${fence}`],
      maxTokens: Math.min(MOST_ANSWER_TOKENS, Math.max(LEAST_ANSWER_TOKENS, tokens)),
      ...sampling,
    });
    const written = finish === 'stop' ? codeIn(answer) : null;
    if (written !== null) return placeCode(text, step.region, withoutMarkers(written));
    const reason =
      finish === 'stop' ? 'There is no code in the answer.' : 'The answer did not come to its end.';
    return { kind: 'refused', reason };
  }

  /** As much of what is known as fits into the window. */
  private async firstMessage(
    { paths, tests, best }: Situation,
    step: Step,
    text: string,
    form: Form,
  ): Promise<string> {
    const { options, workbench } = this;
    const { task, rules, context, checkCommand, backend, windowTokens, signal } = options;
    const about = [codeOf(text, step), ...best.remaining.map(problem => problem.message)].join('\n');
    const related = await relatedCode(step.path, text, about, paths, path => workbench.best(path));
    const optional = [
      ...tests.map(test => ({ ...test, isTest: true })),
      ...related.map(code => ({ ...code, isTest: false })),
    ];
    for (;;) {
      const references = [...context.attachments, ...optional.filter(({ isTest }) => !isTest)];
      const failing = best.check?.isPassing === false ? best.check : null;
      const check = failing && { command: checkCommand ?? '', report: failing };
      const content = stepContent(
        {
          task,
          rules,
          ...step,
          text,
          references,
          tests: optional.filter(({ isTest }) => isTest),
          problems: best.remaining,
          check,
        },
        form,
      );
      const messages = [...this.opening, user(content)];
      const { tokens } = await backend.count({ messages }, { signal });
      if (tokens + LEAST_ANSWER_TOKENS + SPARE_TOKENS <= windowTokens) return content;
      if (optional.pop() === undefined) throw new MoebiusError('context-full', TOO_MUCH);
    }
  }

  private summary(): string {
    const files = this.workbench.changes().map(({ path }) => `\`${path}\``);
    const passes = this.checks.commands.at(-1)?.exitCode === 0;
    return `Changed ${files.join(', ')}${passes ? `; \`${this.options.checkCommand}\` passes` : ''}.`;
  }
}

interface Sampling {
  temperature: number;
  topP: number;
  seed: number;
}

const user = (content: string): ChatMessage => ({ role: 'user', content });

const codeOf = (text: string, { region }: Step): string =>
  text
    .split('\n')
    .slice(region.first, region.last + 1)
    .join('\n');

/** The same task asked again is tried with other samples; the same turn always with the same. */
function seedOf(turnId: string): number {
  let hash = 0;
  for (const char of turnId) hash = (hash * 31 + char.charCodeAt(0)) % 1_000_003;
  return hash;
}
