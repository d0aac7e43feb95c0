/**
 * What Python's `str()` makes of a value. Templates print parts of a tool's schema with it (Qwen3-Coder's: `additionalProperties`,
 * several types of one parameter), so models have read `False` and `['string', 'null']`.
 */

/** A value of a template, as @huggingface/jinja wraps it. */
export interface TemplateValue {
  type: string;
  value: unknown;
}

/** Strings as they are, everything else as Python writes it; nothing for what is not defined. */
export function pythonText({ type, value }: TemplateValue): string {
  if (type === 'UndefinedValue') return '';
  return typeof value === 'string' ? value : repr({ type, value });
}

function repr({ type, value }: TemplateValue): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (Array.isArray(value)) return `[${value.map(repr).join(', ')}]`;
  if (value instanceof Map) {
    const entries = [...(value as Map<string, TemplateValue>)];
    return `{${entries.map(([key, one]) => `${quoted(key)}: ${repr(one)}`).join(', ')}}`;
  }
  if (typeof value !== 'number') return 'None';
  const isWholeFloat = type === 'FloatValue' && Number.isInteger(value);
  // An exponent has two digits.
  return isWholeFloat ? value.toFixed(1) : String(value).replace(/e([+-])(\d)$/, 'e$10$2');
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const body = text.replace(/[\\'\p{Cc}]/gu, char => {
    if (char === "'") return quote === "'" ? "\\'" : "'";
    return ESCAPES[char] ?? `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
  return quote + body + quote;
}
