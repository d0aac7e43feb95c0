/** Which form of tool calls a chat template teaches: known of a model without loading it. What the forms are: engine/tools. */
export type ToolDialectName = 'harmony' | 'glm' | 'qwen-coder' | 'hermes';

const has =
  (...literals: string[]) =>
  (template: string): boolean =>
    literals.every(literal => template.includes(literal));

/** The most particular first. */
const TAUGHT_BY: readonly [ToolDialectName, (template: string) => boolean][] = [
  ['harmony', has('<|channel|>', '<|call|>')],
  ['glm', has('<arg_key>')],
  ['qwen-coder', has('<tool_call>', '<function=', '<parameter=')],
  ['hermes', template => has('<tool_call>')(template) && /["']arguments["'\\]/.test(template)],
];

/** null if it teaches none that is known. */
export function taughtDialect(template: string): ToolDialectName | null {
  return TAUGHT_BY.find(([, isTaughtBy]) => isTaughtBy(template))?.[0] ?? null;
}
