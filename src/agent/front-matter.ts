/** The `key: value` lines between `---` at the beginning of a Markdown file. Only single-line strings; nothing else is needed. */
export interface FrontMatter {
  fields: Record<string, string>;
  body: string;
}

const HEADER = /^---\r?\n([\s\S]*?)\r?\n---(?:\r?\n|$)/;

export function readFrontMatter(text: string): FrontMatter {
  const header = HEADER.exec(text);
  if (!header) return { fields: {}, body: text.trim() };
  const pairs = header[1]!.split(/\r?\n/).flatMap(line => {
    const match = /^([\w-]+):\s*(.*)$/.exec(line);
    return match ? [[match[1]!, match[2]!.trim().replace(/^(["'])(.*)\1$/, '$2')] as const] : [];
  });
  return { fields: Object.fromEntries(pairs), body: text.slice(header[0].length).trim() };
}
