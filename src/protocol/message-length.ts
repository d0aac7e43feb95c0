/** The longest message of the user, in characters. Apart from `webview.ts`, so that the page can have it without the schema. */
export const MAX_MESSAGE_CHARS = 1_000_000;
