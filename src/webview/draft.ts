/** What is written and not sent yet. Pure. */

/** What comes into the input goes before what is being written there. */
export const withReturned = (returned: string, text: string): string =>
  text.trim() === '' ? returned : `${returned}\n\n${text}`;
