/** What a message goes on with: by *Continue*, or in words that say only that. Pure. */
import { errandOf, goesOn } from './guided/errands.ts';
import { wantsAnswer } from './guided/intent.ts';
import type { TodoItem } from './ports.ts';
import { type Answer, type Ask, isGoOn, joinAttachments, type Transcript, wordsOf } from './transcript.ts';

export interface Thread {
  /** What was asked at first, with what was attached since; the message itself where it goes on with nothing. */
  first: Ask;
  /** The steps that the model had written down. */
  todo: TodoItem[];
  /** The answers in the midst of which the process ended, the newest first: what they have changed was not to stay. */
  torn: Answer[];
}

/** A task, and its answers so far, the oldest first. */
interface Chain {
  first: Ask;
  answers: readonly Answer[];
}
/** One that has an answer, with what later messages ask of it. */
interface Answered extends Chain {
  isTalk: boolean;
  /** Said between a task and the word to go on with it, and over. */
  isAside: boolean;
}

export function threadOf({ entries }: Transcript, ask: Ask): Thread {
  const begun = new Map<string, Chain>();
  const before: Answered[] = [];
  for (const entry of entries.slice(0, entries.indexOf(ask))) {
    if (entry.kind === 'ask') begun.set(entry.id, chainOf(entry, before));
    else {
      const { first, answers } = begun.get(entry.askId)!;
      before.push(answered(first, [...answers, entry]));
    }
  }
  const { first, answers } = chainOf(ask, before);
  const steps = answers.flatMap(answer => answer.steps);
  const todo = steps.findLast(step => step.type === 'todo')?.items ?? [];
  return { first, todo, torn: answers.filter(({ finish }) => finish === null).reverse() };
}

function answered(first: Ask, answers: readonly Answer[]): Answered {
  const task = wordsOf(first);
  const errand = errandOf({ task, checkCommand: null, context: first });
  const isOver = answers.at(-1)?.finish === 'stop';
  return {
    ...{ first, answers },
    isTalk: errand?.kind === 'talk',
    isAside: isOver && (errand !== null || wantsAnswer(task)),
  };
}

function chainOf(ask: Ask, before: readonly Answered[]): Chain {
  const last = lastFor(ask, before);
  if (!last) return { first: ask, answers: [] };
  const attachments = joinAttachments(last.first.attachments, ask.attachments);
  return { first: { ...last.first, attachments }, answers: last.answers };
}

/** What it goes on with; undefined where it asks for something else, or nothing is left to do. */
function lastFor(ask: Ask, before: readonly Answered[]): Chain | undefined {
  if (isGoOn(ask)) return before.at(-1);
  const words = goesOn(wordsOf(ask));
  if (words === null) return undefined;
  if (words === 'again') return before.findLast(({ isTalk }) => !isTalk);
  const last = before.findLast(({ isAside }) => !isAside);
  return last && isOpen(last) ? last : undefined;
}

/** It was interrupted, or a change was talked about and not made. */
function isOpen({ answers }: Chain): boolean {
  const { finish, steps } = answers.at(-1)!;
  return finish !== 'stop' || !steps.some(step => step.type === 'end' && step.reason === 'done');
}
