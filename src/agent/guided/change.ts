/**
 * The guided change: find the place, get versions of it from the model, put each in, check it, keep what helps, until it is solved.
 * The model writes code; everything else is done here.
 */
import { MoebiusError } from '../../base/errors.ts';
import type { ChatMessage } from '../../protocol/daemon.ts';
import type { AgentOptions } from '../agent.ts';
import { checkName } from '../check-command.ts';
import { fenceFor } from '../code/fence.ts';
import type { StopReason } from '../ports.ts';
import type { Draft } from './answers.ts';
import type { CheckReport } from './check-report.ts';
import type { Checks } from './checks.ts';
import { Drafts, type Situation } from './drafts.ts';
import { type Findings, isBetter, isSolved, isUnchecked } from './findings.ts';
import { gather, workspacePaths } from './gather.ts';
import { saysCheckFails, wantsCheckMended } from './intent.ts';
import { failureContent } from './prompts.ts';
import { renamed, renameOf } from './rename.ts';
import { answersOf, type Round, readsTask, roundsFor } from './rounds.ts';
import { isImplementing, stubIn } from './stubs.ts';
import type { Workbench } from './workbench.ts';
import type { Writer } from './writer.ts';

export interface Ending {
  reason: StopReason;
  text: string;
}

const ADVICE_TOKENS = 200;
/** An answer of the budget is kept back for it. */
const ADVICE = 1;
/** The rounds begin anew so often when a version helped: what is left may need what was tried before. */
const MOST_RESTARTS = 4;

const NO_PLACE = 'I found no file that this is about. Open the file, or name it in the task.';
/** What stays a stub after that is meant to be one. */
const MOST_STUBS = 3;

/**
 * `failure`: what is wrong with it, for the model. `unwanted`: the user said what they want instead. `unchecked`: nobody knows whether
 * it is solved.
 */
type Verdict = { kind: 'solved' | 'unchecked' | 'better' | 'unwanted' } | { kind: 'worse'; failure: string };

export class Change {
  /** Its own, since the task grows by what the user says about versions that they don't want. */
  private readonly options: AgentOptions;
  private readonly writer: Writer;
  private readonly checks: Checks;
  private readonly workbench: Workbench;
  private readonly drafts: Drafts;
  /** Versions that were checked, by path and text. */
  private readonly seen = new Set<string>();
  /** Answers that were refused because they are stubs. */
  private stubs = 0;
  /** Its task is to make the check pass: by the first words, since of a version anyone says that it is wrong. */
  private readonly isMending: boolean;
  /** What the user said instead of allowing something is part of the task. */
  private isCorrected = false;

  /** `opening`: the messages that every attempt begins with. */
  constructor(
    options: AgentOptions,
    writer: Writer,
    checks: Checks,
    workbench: Workbench,
    opening: ChatMessage[],
  ) {
    this.options = { ...options };
    this.isMending = wantsCheckMended(options.task);
    this.writer = writer;
    this.checks = checks;
    this.workbench = workbench;
    this.drafts = new Drafts(this.options, writer, workbench, opening);
  }

  /** @throws MoebiusError `cancelled` when the user does not allow it, `refused`, `not-found` and `context-full` when nothing can be done */
  async run(): Promise<Ending> {
    const { options, checks } = this;
    const paths = await workspacePaths(options);
    const start = await checks.start(paths);
    this.isCheckCorrected();
    if (start.check?.isPassing && saysCheckFails(options.task))
      return { reason: 'done', text: `${checkName(options)} passes already: nothing was changed.` };
    return (await this.renaming(paths, start)) ?? this.rounds(await this.situation(paths, start, start));
  }

  /** Where the task is a renaming that needs no model; null: it is not, or it made something worse. */
  private async renaming(paths: string[], start: Findings): Promise<Ending | null> {
    const { options, workbench, checks } = this;
    const wanted = renameOf(options.task);
    const texts = wanted && (await renamed(wanted, options, paths, path => workbench.best(path)));
    if (!texts || texts.size === 0) return null;
    for (const path of texts.keys()) await checks.remember(path);
    if (await this.isUnwanted(texts)) return null;
    const now = await checks.look(paths, start.check !== null);
    if (this.isCheckCorrected() || !isSolved(now, start, false)) {
      await workbench.restore();
      return null;
    }
    workbench.keep();
    return { reason: 'done', text: this.summary() };
  }

  /** Looked at anew whenever the code is better: another test may fail then, in another place. */
  private async situation(paths: string[], start: Findings, best: Findings): Promise<Situation> {
    const { options, checks, workbench } = this;
    const problems = [...best.remaining, ...best.fresh];
    const found = await gather(options, paths, problems, this.toMend(best), path => workbench.best(path));
    if (found.steps.length === 0) throw found.refusal ?? new MoebiusError('not-found', NO_PLACE);
    for (const { path } of found.steps) await checks.remember(path);
    return { paths, ...found, start, best, isMending: this.isMending };
  }

  /** The check, where the task is about what it says: what else fails in a project is no trace of what is wanted. */
  private toMend({ check }: Findings): CheckReport | null {
    return this.isMending ? check : null;
  }

  private async rounds(first: Situation): Promise<Ending> {
    const { writer, workbench, options } = this;
    const { paths, start } = first;
    let situation = first;
    let rounds = this.roundsOf(start);
    let failure = '';
    let restarts = 0;
    let seed = seedOf(options.turnId);
    for (let at = 0; at < rounds.length; at++) {
      // The first answer is worth more than advice.
      const needed = writer.turns === 0 ? 1 : answersOf(rounds[at]!) + ADVICE;
      if (!writer.hasBudget(needed)) continue;
      for await (const draft of this.drafts.of(rounds[at]!, situation, failure, seed++)) {
        const verdict = await this.judge(draft, situation);
        if (verdict.kind === 'solved') return { reason: 'done', text: this.summary() };
        if (verdict.kind === 'unchecked') {
          const check = `whether ${checkName(options)} passes now is not known`;
          return { reason: 'unfinished', text: this.summary(check) };
        }
        failure = verdict.kind === 'worse' ? verdict.failure : '';
        if (verdict.kind === 'better' || verdict.kind === 'unwanted') {
          situation = await this.situation(paths, start, situation.best);
          // The user may go on as long as the budget lasts.
          if (verdict.kind === 'unwanted' || restarts++ < MOST_RESTARTS) {
            rounds = this.roundsOf(situation.best);
            at = -1;
          }
          break;
        }
        if (!writer.hasBudget(1 + ADVICE)) break;
      }
    }
    await workbench.restore();
    return this.giveUp(situation);
  }

  /** What the user said about a version only the model can heed. */
  private roundsOf(best: Findings): readonly Round[] {
    const rounds = roundsFor(this.toMend(best));
    return this.isCorrected ? rounds.filter(readsTask) : rounds;
  }

  /** Puts the texts in, unless the user does not want them. */
  private async isUnwanted(texts: ReadonlyMap<string, string>): Promise<boolean> {
    return this.isCorrectedBy(await this.workbench.tryTexts(texts), 'your last version');
  }

  /** The user did not allow the check, and said what they want instead. */
  private isCheckCorrected(): boolean {
    return this.isCorrectedBy(this.checks.takeWords(), checkName(this.options));
  }

  /** What the user says instead of allowing something is part of the task from then on. */
  private isCorrectedBy(words: string | null, denied: string): boolean {
    if (words === null) return false;
    this.options.task += `\n\nI did not allow ${denied}. ${words}`;
    this.isCorrected = true;
    return true;
  }

  /** Puts it in and checks it; what is better stays, and is the `best` of the situation. */
  private async judge({ path, placed }: Draft, situation: Situation): Promise<Verdict> {
    const { workbench, checks, options } = this;
    if (placed.kind === 'refused') return { kind: 'worse', failure: placed.reason };
    // Where there is a check, it finds what was left out.
    const mayBeStub = situation.start.check === null && isImplementing(options.task);
    const stub = mayBeStub ? stubIn(placed.text) : null;
    if (stub !== null && this.stubs++ < MOST_STUBS)
      return { kind: 'worse', failure: `This is not written yet: \`${stub}\`. Write all of it.` };
    const key = `${path}\n${placed.text}`;
    if (this.seen.has(key))
      return { kind: 'worse', failure: 'That was tried already and is wrong. Do it in another way.' };
    this.seen.add(key);
    if (await this.isUnwanted(new Map([[path, placed.text]]))) return { kind: 'unwanted' };
    const now = await checks.look(situation.paths, situation.start.check !== null);
    if (this.isCheckCorrected()) {
      // They may have spoken of the check alone: then it may come again.
      this.seen.delete(key);
      return { kind: 'unwanted' };
    }
    const solved = isSolved(now, situation.start, this.isMending);
    if (!solved && !isBetter(now, situation.best))
      return { kind: 'worse', failure: failureContent(now, placed.text, options.checkCommand) };
    workbench.keep();
    situation.best = now;
    if (!solved) return { kind: 'better' };
    return { kind: isUnchecked(now, situation.start, this.isMending) ? 'unchecked' : 'solved' };
  }

  /** The user is told what is left to do: install a package, decide something, look at one place. */
  private async giveUp(situation: Situation): Promise<Ending> {
    const { writer, drafts } = this;
    const isPart = isBetter(situation.best, situation.start);
    const left = this.workbench.left();
    const told = isPart
      ? `It is not solved yet. ${left}${this.shownDiff()}`
      : `What I tried did not help. ${left}`;
    if (!writer.hasBudget()) return { reason: 'limit', text: told };
    const messages = await drafts.message(situation, situation.steps[0]!, 'advice');
    const advice = await writer.write({ messages, maxTokens: ADVICE_TOKENS, temperature: 0, seed: 0 });
    return { reason: 'limit', text: `${told}\n\n${advice.text.trim()}` };
  }

  private summary(check = this.checks.passed ? `${checkName(this.options)} passes` : ''): string {
    const files = this.workbench.changes().map(({ path }) => `\`${path}\``);
    return `Changed ${files.join(', ')}${check && `; ${check}`}.${this.shownDiff()}`;
  }

  /** The user said yes to the first version; what is left is another. */
  private shownDiff(): string {
    if (this.workbench.versions < 2) return '';
    const diff = this.workbench.diff().trimEnd();
    const fence = fenceFor(diff);
    return `\n\n${fence}diff\n${diff}\n${fence}`;
  }
}

/** The same task asked again is tried with other samples; the same turn always with the same. */
function seedOf(turnId: string): number {
  let hash = 0;
  for (const char of turnId) hash = (hash * 31 + char.charCodeAt(0)) % 1_000_003;
  return hash;
}
