/** Whether a key is an Escape that nothing has answered yet. One that ends the composing of a character is for the input method. */
export const isEscape = ({
  key,
  defaultPrevented,
  isComposing,
}: Pick<KeyboardEvent, 'key' | 'defaultPrevented' | 'isComposing'>): boolean =>
  key === 'Escape' && !defaultPrevented && !isComposing;
