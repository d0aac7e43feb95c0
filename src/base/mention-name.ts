/**
 * How a path is written behind `@` or `#`, as sources of regular expressions with the flag u. Letters of any script, and the signs
 * of frameworks: `app/[slug]/page.tsx`, `(group)/`, `$lib/`, `+page.svelte`. Other signs end it, so that prose may go on behind it.
 */
const SIGNS = String.raw`\p{L}\p{M}\p{N}_./$+&~=-`;

/** A whole one, with what may stand behind it: dots that end a sentence are the reader's to take off. Brackets come in pairs. */
export const MENTION_NAME = String.raw`(?:[\\${SIGNS}]|\[+[^\s[\]()@#]*\]+|(?<=[@#/\\)])\([^\s()@#/\\]*\))+`;

/** One that is being typed: its last bracket may be open. A round one begins a folder's name, anywhere else it is a call. */
export const TYPED_MENTION_NAME = String.raw`(?:[[\]${SIGNS}]|(?<=[@#/)])\([^\s()@#/]*(?:\)|$))*`;
