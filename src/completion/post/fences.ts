/** A chat-tuned model sometimes answers with a fenced block where bare code was asked for. */
export function stripFences(text: string, languageId: string): string {
  if (languageId === 'markdown') return text;
  const open = /^\s*```[\w+#-]*\n/.exec(text);
  const body = open ? text.slice(open[0].length) : text;
  const close = /(?:^|\n)[ \t]*```/.exec(body);
  return close ? body.slice(0, close.index) : body;
}
