/**
 * What a model thinks aloud between its tags although it was asked not to: neither shown nor sent again. Where such a tag stands in a
 * call it is a part of a file, say, and without the rest of the call the model would read that it wrote half of one.
 */
const CALL_OR_THOUGHT =
  /<tool_call>[\s\S]*?<\/tool_call>|<function=[\s\S]*?<\/function>|<\|channel\|>commentary to=[\s\S]*|<think>[\s\S]*?(?:<\/think>\s*|$)/g;

export const withoutThoughts = (text: string): string =>
  text.replace(CALL_OR_THOUGHT, found => (found.startsWith('<think>') ? '' : found));
