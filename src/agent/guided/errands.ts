/**
 * Messages that are neither a question nor a change: a greeting, a word to go on, the check that is to run, what this profile can't
 * do. Only what is clear and says nothing else is taken for one: `Commit the transaction` is a change.
 */
import type { AgentContext, AgentOptions } from '../agent.ts';
import { fenceFor } from '../code/fence.ts';
import { shownData } from '../data-text.ts';
import type { CheckReport } from './check-report.ts';
import { withoutPolitePhrases } from './intent.ts';

/** `talk`: the model answers, and nothing is read for it. `told`: what the user is told in one sentence. */
export type Errand = { kind: 'talk' } | { kind: 'check'; command: string } | { kind: 'told'; text: string };

const whole = (words: string): RegExp => new RegExp(`^(?:${words})$`);

const GREETING =
  'hi|hello|hey|hallo|hola|good (?:morning|afternoon|evening)|(?:good|great|nice) (?:job|work)|thanks?|thank you|thx|danke|merci|gracias|great|perfect|nice|cool|' +
  'awesome|excellent|well done|bye|goodbye|ok|okay|(?:that|it|this) work(?:s|ed)|' +
  'no|nope|stop(?: (?:it|that))?|wait|hold on|never mind|nevermind|forget it';
const TALK = whole(
  `(?:(?:yes|no) )?(?:${GREETING})(?: (?:${GREETING}|there|again|so much|very much|a lot|now|for (?:that|it|(?:your|the) help)))*`,
);
const YES = 'yes|yep|yeah|sure';
const GO_ON = whole(
  `(?:(?:${YES}) )?(?:${YES}|do (?:it|that)|continue|go on|go ahead|carry on|keep going|proceed|resume|retry|again|once more|` +
    '(?:try|do) (?:(?:it|that) )?again)(?: please)?',
);
/** Of what was said since the last task, if anything was. */
const DO_IT = /\bdo (?:it|that)$/;
/** Also where the last task is done. */
const AGAIN = /\b(?:again|retry|once more)\b/;

const TESTS = '(?:all )?(?:of )?(?:the |my |our |your )?(?:unit |whole |full )?(?:tests?|test suite|checks?)';
const OUTCOME =
  '(?:the )?(?:results?|output|outcome)|what (?:fails|happens)|which (?:ones )?fail|(?:whether|if) (?:they|it|all) pass(?:es)?';
const CHECK = whole(
  `tests?|(?:re-?)?run ${TESTS}(?: (?:again|now|please))*(?: and (?:tell|show) me (?:${OUTCOME}))?|do ${TESTS} pass(?: now)?`,
);

const ALL_OF_IT =
  '(?: (?:this|that|it|these|them|everything|all|of|your|the|my|last|latest|changes?|edits?|work|files?|and|push|please))*';
const BACK = whole(`(?:no )?(?:undo|revert|take back|roll back)${ALL_OF_IT}`);
const OTHER_COMMANDS = whole(
  [
    `(?:git )?(?:commit|push)${ALL_OF_IT}`,
    'git (?:add|commit|push|pull|stash|checkout|merge|rebase|reset)(?: [\\w@/.-]+){0,3}',
    '(?:(?:npm|pnpm|yarn|pip3?|cargo) )?(?:un)?install(?: (?:the|all|missing))*(?: [\\w@/.-]+)?(?: dependenc(?:y|ies)| packages?| library| module)?',
    '(?:start|launch|restart|stop|run) (?:the |my )?(?:dev |development )?(?:server|app|application|program)',
    'run (?:npm|pnpm|yarn|npx|cargo|docker|pip3?) [\\w@/:.-]+(?: [\\w@/:.-]+)?',
    '(?:npm|pnpm|yarn|cargo|go) (?:run )?(?:test|build|start|dev|lint|check|fmt|vet)(?::[\\w:-]+)?(?: [./]+)?',
    'npx [\\w@/:.-]+|pytest',
  ].join('|'),
);

const NOTHING_LEFT = 'There is no task to go on with. Say what is to be done.';
const NOT_BACK = 'I can not take changes back: "Undo All" below an answer does that.';
const ONLY_CHECK =
  'This model is led by Moebius, which runs nothing for it but the check of the project: do that in a terminal, or choose a larger model.';
const NO_CHECK =
  'I do not know how this project is tested: the setting "moebius.agent.checkCommand" can say it.';

interface Message extends Pick<AgentOptions, 'task' | 'news' | 'checkCommand'> {
  context: Pick<AgentContext, 'attachments'>;
}

/** null: a question or a change. */
export function errandOf({ task, news = '', checkCommand, context }: Message): Errand | null {
  const words = wordsIn(task);
  const isSaidElsewhere = context.attachments.length > 0 || (news !== '' && DO_IT.test(words));
  if (GO_ON.test(words) && !isSaidElsewhere) return { kind: 'told', text: NOTHING_LEFT };
  if (TALK.test(words)) return { kind: 'talk' };
  const isCheck = checkCommand !== null && words.replace(/^run /, '') === wordsIn(checkCommand);
  if (isCheck || CHECK.test(words))
    return checkCommand === null
      ? { kind: 'told', text: NO_CHECK }
      : { kind: 'check', command: checkCommand };
  if (BACK.test(words)) return { kind: 'told', text: NOT_BACK };
  return OTHER_COMMANDS.test(words) ? { kind: 'told', text: ONLY_CHECK } : null;
}

/** A word to go on with what was asked before; `again`: also if that is done. */
export function goesOn(message: string): 'on' | 'again' | null {
  const words = wordsIn(message);
  if (!GO_ON.test(words)) return null;
  return AGAIN.test(words) ? 'again' : 'on';
}

/** How the check with this name went, for the user. */
export function checkTold(name: string, { isPassing, passed, failed, excerpt }: CheckReport): string {
  const counts = [passed === null ? '' : `${passed} passed`, failed ? `${failed} failed` : ''].filter(
    Boolean,
  );
  const how = `${name} ${isPassing ? 'passes' : 'fails'}${counts.length > 0 ? ` (${counts.join(', ')})` : ''}`;
  if (isPassing) return `${how}.`;
  const shown = shownData(excerpt);
  const fence = fenceFor(shown);
  return `${how}:\n\n${fence}\n${shown}\n${fence}`;
}

/** `Ok, run the tests!` -> `run the tests` */
const wordsIn = (text: string): string =>
  withoutPolitePhrases(text.trim())
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_@/:.-]+/gu, ' ')
    .replace(/[:.-]+(?=\s|$)/g, '')
    .trim()
    .replace(/\s+/g, ' ');
