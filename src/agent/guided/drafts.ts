/** New versions of the code, as a round asks for them. */
import { MoebiusError } from '../../base/errors.ts';
import type { ChatMessage } from '../../protocol/daemon.ts';
import type { AgentOptions } from '../agent.ts';
import { rulesAt } from '../near-rules.ts';
import type { Diagnostic } from '../ports.ts';
import { toldTask } from '../told.ts';
import { Answers, type Draft, LEAST_ANSWER_TOKENS, type Sampling } from './answers.ts';
import { type FunctionLines, functionAlone, functionsOf, withoutBodies } from './bodies.ts';
import type { Findings } from './findings.ts';
import { relatedCode, type Step, type Suspect, specsOf } from './gather.ts';
import { type Head, headsOf, signatureOf } from './heads.ts';
import { takesAway } from './intent.ts';
import { type Filled, type Gap, lineMends, type MendKind, problemMends } from './line-mends.ts';
import { codeNamesIn } from './names.ts';
import {
  anewContent,
  type CodeReference,
  codeContent,
  type Form,
  feedbackContent,
  type Reference,
  stepContent,
  stubContent,
} from './prompts.ts';
import { codeOf, definedName } from './region.ts';
import type { Rewriting, Round, Sees } from './rounds.ts';
import { isImplementing, stubIn, withoutStubs } from './stubs.ts';
import { takenOut } from './take-out.ts';
import type { Workbench } from './workbench.ts';
import type { GapRequest, Writer } from './writer.ts';

/** All that a draft builds on. */
export interface Situation {
  paths: string[];
  steps: Step[];
  suspects: Suspect[];
  tests: CodeReference[];
  start: Findings;
  best: Findings;
  /** The check is to pass, and the model is told what it says. */
  isMending: boolean;
}

const TOP_P = 0.95;
const DIAGNOSIS_TOKENS = 120;
/** Of the window, for the template and the start of the answer. */
const SPARE_TOKENS = 64;
/** What a diagnosis adds to a conversation, with the request for the code behind it. */
const DIAGNOSED_TOKENS = DIAGNOSIS_TOKENS + SPARE_TOKENS;
/** Functions that are written anew in one round. */
const MOST_FUNCTIONS = 3;
/** A file that is longer is not begun anew. */
const RESTART_LINES = 100;
/** Lines that are checked in one pass; each is a run of the user's tests. */
const MOST_MENDS = 10;
/** Files whose lines are gone through in one pass. */
const MOST_MENDED_FILES = 2;
/** Lines at problems of a file that are filled in, and how boldly where the likeliest line is what is there. */
const MOST_PROBLEM_LINES = 6;
const LINE_TEMPERATURE = 0.8;

const TOO_MUCH =
  'The code and what is attached do not fit into the model. Attach less, or select a part of the file.';

export class Drafts {
  private readonly options: AgentOptions;
  private readonly writer: Writer;
  private readonly workbench: Workbench;
  private readonly answers: Answers;
  private readonly opening: ChatMessage[];
  /** What was written into gaps. */
  private readonly lines = new Map<string, Filled>();
  /** Notices, each of which is given once. */
  private readonly told = new Set<string>();

  /** `opening`: the messages that every attempt begins with. */
  constructor(options: AgentOptions, writer: Writer, workbench: Workbench, opening: ChatMessage[]) {
    this.options = options;
    this.writer = writer;
    this.workbench = workbench;
    this.answers = new Answers(writer, workbench);
    this.opening = opening;
  }

  /**
   * One after the other, each written when it is asked for. `failure`: what was wrong with the last one, for the model; '' if the
   * conversation is to begin anew.
   */
  of(round: Round, situation: Situation, failure: string, seed: number): AsyncGenerator<Draft> {
    if (round.how === 'removal') return this.removed(situation);
    if (round.how === 'lines' && round.where === 'problems')
      return this.mendedAtProblems(situation, round.kind, seed);
    if (round.how === 'lines') return this.mended(situation, round.kind, round.where === 'suspects');
    const { check, remaining } = situation.best;
    const messages = remaining.map(problem => problem.message);
    this.answers.mayLose = takesAway([this.options.task, ...messages, check?.error ?? ''].join('\n'));
    const sampling = { temperature: round.temperature, topP: TOP_P, seed };
    if (round.how === 'anew') return this.anew(situation, sampling);
    if (round.how === 'restart') return this.restarted(situation, round.sees, sampling);
    const step = situation.steps[round.step % situation.steps.length]!;
    return this.rewritten(situation, step, round.how, failure, sampling);
  }

  /** The first message of an attempt: as much of what is known as fits into the window. */
  async message(situation: Situation, step: Step, form: Form): Promise<ChatMessage[]> {
    const { task: wanted, context, checkCommand } = this.options;
    const rules = await this.rulesAt(step.path);
    const task = toldTask(this.options);
    const { best, tests, isMending } = situation;
    const stored = await this.workbench.best(step.path);
    const text = isImplementing(wanted) ? withoutStubs(stored, step.path) : stored;
    const functions = form === 'code' ? (await this.headsOfStub(step)).map(signatureOf) : [];
    if (functions.length > 0) return this.stubMessages(situation, step.path, text, functions, tests);
    const related = await this.related(situation, step.path, codeOf(text, step.region));
    const failing = best.check?.isPassing === false && isMending ? best.check : null;
    const check = failing && { command: checkCommand ?? '', report: failing };
    return this.fitted(
      [...context.attachments],
      related,
      tests,
      (references, shown) =>
        stepContent(
          {
            task,
            rules,
            ...step,
            text,
            references,
            tests: shown,
            problems: [...best.remaining, ...best.fresh],
            check,
          },
          form,
        ),
      form,
    );
  }

  private async rulesAt(path: string): Promise<string> {
    const { text, cut } = await rulesAt(this.options, path);
    if (cut !== null && !this.told.has(cut)) this.options.emit({ type: 'notice', text: cut });
    if (cut !== null) this.told.add(cut);
    return text;
  }

  private async *rewritten(
    situation: Situation,
    step: Step,
    how: Rewriting,
    failure: string,
    sampling: Sampling,
  ): AsyncGenerator<Draft> {
    const followUp = how === 'follow-up' && failure !== '' ? await this.followUp(failure) : null;
    const form = how === 'code' ? how : 'diagnosis';
    const messages = followUp ?? (await this.message(situation, step, form));
    const asked = form === 'diagnosis' ? await this.diagnosed(messages, step, sampling) : messages;
    const heads = form === 'code' ? await this.headsOfStub(step) : [];
    yield heads.length > 0
      ? await this.answers.writtenInParts(asked, step.path, heads, sampling)
      : await this.answers.written(asked, step.path, step.region, sampling);
  }

  /** Behind the last version; null if that has become too long, so that an attempt must begin anew. */
  private async followUp(failure: string): Promise<ChatMessage[] | null> {
    const messages = [...this.writer.history, user(feedbackContent(failure))];
    return (await this.isRoomFor(messages, 'diagnosis')) ? messages : null;
  }

  /** Of a file that is all to be written. */
  private async headsOfStub({ path, region }: Step): Promise<Head[]> {
    const text = await this.workbench.best(path);
    const isStub = region.isWholeFile && isImplementing(this.options.task) && stubIn(text) !== null;
    return isStub ? headsOf(text) : [];
  }

  /** Lets the model say what it will change, and asks for the code then. */
  private async diagnosed(messages: ChatMessage[], step: Step, sampling: Sampling): Promise<ChatMessage[]> {
    await this.writer.write({ messages, maxTokens: DIAGNOSIS_TOKENS, ...sampling });
    return [...this.writer.history, user(codeContent(step.path, step.region))];
  }

  private async *anew(situation: Situation, sampling: Sampling): AsyncGenerator<Draft> {
    for (const { path, name } of situation.suspects.slice(0, MOST_FUNCTIONS)) {
      const lines = (await this.workbench.best(path)).split('\n');
      const asked = functionsOf(lines).find(one => one.name === name);
      if (asked === undefined) continue;
      const messages = await this.anewMessages(situation, path, lines, [asked], name, situation.tests);
      // Begun with its signature, or the model writes the whole class.
      const start = lines.slice(asked.first, asked.bodyFirst).join('\n');
      const region = { ...asked, isWholeFile: false };
      yield await this.answers.written(messages, path, region, sampling, `${start}\n`, code =>
        functionAlone(code, name, lines),
      );
    }
  }

  private async *restarted(situation: Situation, sees: Sees, sampling: Sampling): AsyncGenerator<Draft> {
    const { path } = situation.steps[0]!;
    const text = await this.workbench.best(path);
    const lines = text.split('\n');
    const functions = functionsOf(lines);
    if (functions.length === 0 || lines.length > RESTART_LINES) return;
    const specs = await specsOf(path, situation.paths, other => this.workbench.best(other));
    if (sees === 'names') {
      const names = functions.map(one => one.name);
      const messages = await this.stubMessages(situation, path, text, names, specs);
      yield await this.answers.writtenInParts(messages, path, headsOf(text), sampling);
      return;
    }
    const messages = await this.anewMessages(situation, path, lines, functions, null, specs);
    yield await this.answers.written(
      messages,
      path,
      { first: 0, last: lines.length - 1, isWholeFile: true },
      sampling,
    );
  }

  private async anewMessages(
    situation: Situation,
    path: string,
    lines: readonly string[],
    functions: readonly FunctionLines[],
    name: string | null,
    tests: readonly CodeReference[],
  ): Promise<ChatMessage[]> {
    const { context } = this.options;
    const rules = await this.rulesAt(path);
    const task = toldTask(this.options);
    const text = withoutBodies(lines, functions, path).join('\n');
    const related = await this.related(situation, path, lines.join('\n'));
    return this.fitted([...context.attachments], related, tests, (references, shown) =>
      anewContent({ task, rules, path, text, name, references, tests: shown }),
    );
  }

  private async stubMessages(
    situation: Situation,
    path: string,
    text: string,
    functions: readonly string[],
    tests: readonly CodeReference[],
  ): Promise<ChatMessage[]> {
    const { context } = this.options;
    const rules = await this.rulesAt(path);
    const task = toldTask(this.options);
    const related = await this.related(situation, path, text);
    return this.fitted([...context.attachments], related, tests, (references, shown) =>
      stubContent({ task, rules, path, functions, references, tests: shown }),
    );
  }

  private async *mended(situation: Situation, kind: MendKind, onlySuspects: boolean): AsyncGenerator<Draft> {
    const { steps, suspects, tests, best } = situation;
    if ((onlySuspects && suspects.length === 0) || best.check?.passed === 0) return;
    const paths = [...new Set(steps.map(step => step.path))].slice(0, MOST_MENDED_FILES);
    this.writer.beginPass(`Looking for the wrong line in ${paths.join(', ')}`);
    for (const path of paths) {
      const text = await this.workbench.best(path);
      const functions = functionsOf(text.split('\n')).map(one => ({ ...one, isWholeFile: false }));
      const suspected = suspects.flatMap(
        ({ path: of, name }) => (of === path && functions.find(one => one.name === name)) || [],
      );
      const rest = onlySuspects ? [] : steps.filter(step => step.path === path).map(step => step.region);
      const regions = [...suspected.slice(0, MOST_FUNCTIONS), ...rest];
      const related = await this.related(situation, path, text);
      const files = [...related, ...tests].map(one => ({ path: one.path, text: one.text }));
      const mends = await lineMends(text, regions, kind, gap => this.filled({ ...gap, path, files }));
      for (const { text } of mends.slice(0, MOST_MENDS)) yield { path, placed: { kind: 'text', text } };
    }
  }

  /** By file, those of the files that the rounds are about. */
  private problemsByPath({ steps, best }: Situation): [path: string, problems: Diagnostic[]][] {
    const problems = [...best.remaining, ...best.fresh];
    return [...new Set(steps.map(step => step.path))].flatMap(path => {
      const own = problems.filter(problem => problem.path === path);
      return own.length > 0 ? [[path, own]] : [];
    });
  }

  private async *removed(situation: Situation): AsyncGenerator<Draft> {
    for (const [path, problems] of this.problemsByPath(situation)) {
      const text = takenOut(await this.workbench.best(path), problems);
      if (text !== null) yield { path, placed: { kind: 'text', text } };
    }
  }

  /** Where the problems are, and where what they name is defined. */
  private async *mendedAtProblems(situation: Situation, kind: MendKind, seed: number): AsyncGenerator<Draft> {
    const found = this.problemsByPath(situation).slice(0, MOST_MENDED_FILES);
    if (found.length === 0) return;
    this.writer.beginPass(`Writing single lines anew in ${found.map(([path]) => path).join(', ')}`);
    for (const [path, problems] of found) {
      const text = await this.workbench.best(path);
      const messages = problems.map(problem => problem.message);
      const names = new Set(messages.flatMap(codeNamesIn));
      const defined = text
        .split('\n')
        .flatMap((line, at) => (names.has(definedName(line) ?? '') ? [at] : []));
      const places = [...problems.map(({ line }) => line - 1), ...defined].slice(0, MOST_PROBLEM_LINES);
      const related = await this.related(situation, path, text);
      const said = { path: 'problems.txt', text: [...new Set(messages)].join('\n') };
      const files = [...related.map(one => ({ path: one.path, text: one.text })), said];
      const samplings = [undefined, 0, 1].map(add =>
        add === undefined
          ? {}
          : { sampling: { temperature: LINE_TEMPERATURE, topP: TOP_P, seed: seed + add } },
      );
      const ways = samplings.map(sampling => (gap: Gap) => this.filled({ ...gap, ...sampling, path, files }));
      const mends = await problemMends(text, places, kind, ways);
      for (const { text } of mends.slice(0, MOST_MENDS)) yield { path, placed: { kind: 'text', text } };
    }
  }

  /** The likeliest line is the same whenever it is asked for. */
  private async filled(gap: GapRequest): Promise<Filled | null> {
    const key = `${gap.prefix}\0${gap.suffix}\0${gap.sampling?.seed}`;
    const known = this.lines.get(key);
    if (known) return known;
    const written = await this.writer.fillIn(gap);
    if (written) this.lines.set(key, written);
    return written;
  }

  private related({ paths, best }: Situation, path: string, code: string): Promise<CodeReference[]> {
    const about = [code, ...best.remaining.map(problem => problem.message)].join('\n');
    const read = (other: string) => this.workbench.best(other);
    return read(path).then(text => relatedCode(path, text, about, paths, read));
  }

  /** Leaves out related code first, tests next. @throws MoebiusError `context-full` if the rest is still too long */
  private async fitted(
    given: readonly Reference[],
    related: readonly CodeReference[],
    tests: readonly CodeReference[],
    content: (references: readonly Reference[], tests: readonly Reference[]) => string,
    form: Form = 'code',
  ): Promise<ChatMessage[]> {
    const [shown, helpful] = [[...tests], [...related]];
    for (;;) {
      const messages = [...this.opening, user(content([...given, ...helpful], shown))];
      if (await this.isRoomFor(messages, form)) return messages;
      if ((helpful.pop() ?? shown.pop()) === undefined) throw new MoebiusError('context-full', TOO_MUCH);
    }
  }

  /** For the code that is written behind them, or behind a diagnosis. */
  private async isRoomFor(messages: ChatMessage[], form: Form): Promise<boolean> {
    const { backend, windowTokens, signal } = this.options;
    const { tokens } = await backend.count({ messages }, { signal });
    const said = form === 'code' ? 0 : DIAGNOSED_TOKENS;
    return tokens + said + LEAST_ANSWER_TOKENS + SPARE_TOKENS <= windowTokens;
  }
}

const user = (content: string): ChatMessage => ({ role: 'user', content });
