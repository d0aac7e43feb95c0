/** Whether a task wants an answer or a change: a model that is not offered tools can't choose by itself. */

const POLITE =
  /^(?:(?:please|now|then|and|so|ok(?:ay)?|also|first)[,\s]+|(?:can|could|would|will) you(?: please)?\s+|i(?:'d| would) like you to\s+|i want you to\s+|let'?s\s+|help me(?: to)?\s+)+/i;
const CHANGE =
  /^(?:add|adapt|allow|apply|change|clean|complete|convert|correct|create|debug|delete|document|drop|ensure|extend|extract|finish|fix|format|handle|implement|improve|inline|insert|introduce|let|make|migrate|modify|move|optimi[sz]e|port|refactor|remove|rename|reorder|repair|replace|resolve|rewrite|simplify|solve|sort|split|support|translate|turn|update|use|write)\b/i;
const QUESTION =
  /^(?:what|why|how|where|who|when|which|whose|explain|describe|tell|does|do|did|is|are|was|were|has|have|summari[sz]e|compare|list|show|should|review)\b/i;

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
