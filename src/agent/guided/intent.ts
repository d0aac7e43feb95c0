/** Whether a task wants an answer or a change: a model that is not offered tools can't choose by itself. */
import type { AgentOptions } from '../agent.ts';

const POLITE =
  /^(?:(?:please|now|then|and|so|ok(?:ay)?|also|first)[,\s]+|(?:can|could|would|will) you(?: please)?\s+|i(?:'d| would) like you to\s+|i want you to\s+|let'?s\s+|help me(?: to)?\s+)+/i;
const CHANGE =
  /^(?:add|adapt|allow|apply|change|clean|complete|convert|correct|create|debug|delete|document|drop|ensure|extend|extract|finish|fix|format|handle|implement|improve|inline|insert|introduce|let|make|migrate|modify|move|optimi[sz]e|port|refactor|remove|rename|reorder|repair|replace|resolve|rewrite|simplify|solve|sort|split|support|translate|turn|update|use|write)\b/i;
const QUESTION =
  /^(?:what|why|how|where|who|when|which|whose|explain|describe|tell|does|do(?! (?:it|that|this|so|the same)\b)|did|is|are|was|were|has|have|summari[sz]e|compare|list|show|should|review)\b/i;

/** `Could you please rename it` -> `rename it` */
export const withoutPolitePhrases = (sentence: string): string => sentence.replace(POLITE, '');

/** A demand anywhere wins over a question: `Why does it fail? Fix it.` What is neither is a demand. */
export function wantsAnswer(task: string): boolean {
  const sentences = task
    .replace(/(`+)[\s\S]*?\1/g, 'code')
    .split(/(?<=[.?!])\s+|\n+/)
    .map(sentence => withoutPolitePhrases(sentence.trim()))
    .filter(Boolean);
  if (sentences.some(sentence => CHANGE.test(sentence))) return false;
  return sentences.some(sentence => QUESTION.test(sentence) || sentence.endsWith('?'));
}

/** A task to make the check pass; any other must only not make it worse. */
const MENDS = /\b(?:fix|fail|broken|break|bug|pass|error|wrong|crash|debug|repair|red\b)/i;
const CHECK = String.raw`\b\w*(?:tests?|specs?|suite|checks?|build|ci)\b`;
const FAILS = String.raw`\b(?:fail\w*|broken|red)\b`;
const CHECK_FAILS = new RegExp(`${CHECK}[^.?!\\n]*${FAILS}|${FAILS}\\s+(?:\\w+\\s+){0,2}${CHECK}`, 'i');

export const wantsCheckMended = (task: string): boolean => MENDS.test(task);

/** It says that the check fails, not that something fails in what the program does. */
export const saysCheckFails = (task: string): boolean => CHECK_FAILS.test(task);

/** By the words of a task, a problem or a failing test: what the code defines is to go, or to have another name. */
const TAKES_AWAY = new RegExp(
  [
    String.raw`\b(?:remov|delet|drop|renam|inlin|merg|mov(?:e|ing)\b|unus|unreachable|redundant|duplicat|redefin|redeclar|already (?:defined|declared))`,
    String.raw`\b(?:never|not) (?:used|read|called|accessed|execut)|\bassigned a value but`,
    'has no attribute|is not a (?:function|constructor)|cannot import name|does not provide an export',
  ].join('|'),
  'i',
);

export const takesAway = (words: string): boolean => TAKES_AWAY.test(words);

/** The task with the problems that are attached to it: to recognise something in, never told as the user's words. */
export const aboutOf = ({ task, context }: Pick<AgentOptions, 'task' | 'context'>): string =>
  [task, ...context.attachments.filter(({ isProblem }) => isProblem).map(({ text }) => text)].join('\n');
