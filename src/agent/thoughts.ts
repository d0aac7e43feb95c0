/** What a model thinks aloud between its tags although it was asked not to: neither shown nor sent again. */
const THOUGHT = /<think>[\s\S]*?(?:<\/think>\s*|$)/g;

export const withoutThoughts = (text: string): string => text.replace(THOUGHT, '');
