/** Where two versions of a text differ: from `start` on, up to `oldEnd` in the one and `newEnd` in the other. */
export function changedSpan(old: string, text: string): [start: number, oldEnd: number, newEnd: number] {
  const most = Math.min(old.length, text.length);
  let start = 0;
  while (start < most && old[start] === text[start]) start++;
  let end = 0;
  while (end < most - start && old[old.length - 1 - end] === text[text.length - 1 - end]) end++;
  return [start, old.length - end, text.length - end];
}
