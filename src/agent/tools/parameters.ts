/**
 * The arguments of a tool, flat and typed: one description makes the schema that the model reads and the check of what it wrote.
 * Written by hand because the schema's every byte is part of the prompt; a converter's extra keywords would cost tokens, and another
 * version of it the cache. Types that are nearly right are mended, as weak models write "5" for 5.
 */

export interface Parameter<T> {
  schema: Record<string, unknown>;
  isRequired: boolean;
  /** undefined: it can't be taken for one. */
  read(value: unknown): T | undefined;
  /** `a whole number`. */
  what: string;
}
export type Parameters = Record<string, Parameter<unknown>>;
export type ArgumentsOf<P extends Parameters> = {
  [K in keyof P]: P[K] extends Parameter<infer T> ? T : never;
};

export const string = (description: string): Parameter<string> => ({
  schema: { type: 'string', description },
  isRequired: true,
  what: 'a string',
  read(value) {
    if (typeof value === 'string') return value;
    return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
  },
});

/** From `minimum` on. */
export const integer = (description: string, minimum: number): Parameter<number> => ({
  schema: { type: 'integer', description },
  isRequired: true,
  what: `a whole number from ${minimum} on`,
  read(value) {
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    return Number.isSafeInteger(number) && (number as number) >= minimum ? (number as number) : undefined;
  },
});

export const boolean = (description: string): Parameter<boolean> => ({
  schema: { type: 'boolean', description },
  isRequired: true,
  what: 'true or false',
  read(value) {
    if (typeof value === 'boolean') return value;
    const text = typeof value === 'string' ? value.trim().toLowerCase() : '';
    return text === 'true' ? true : text === 'false' ? false : undefined;
  },
});

export const strings = (description: string): Parameter<string[]> => ({
  schema: { type: 'array', items: { type: 'string' }, description },
  isRequired: true,
  what: 'a list of strings',
  read(value) {
    const list = typeof value === 'string' ? listIn(value) : value;
    return Array.isArray(list) && list.every(item => typeof item === 'string') ? list : undefined;
  },
});

export const optional = <T>(parameter: Parameter<T>): Parameter<T | undefined> => ({
  ...parameter,
  isRequired: false,
});

/** JSON Schema of the arguments, keys in the order in which they are given. */
export function schemaOf(parameters: Parameters): Record<string, unknown> {
  const entries = Object.entries(parameters);
  const required = entries.filter(([, { isRequired }]) => isRequired).map(([name]) => name);
  return {
    type: 'object',
    properties: Object.fromEntries(entries.map(([name, { schema }]) => [name, schema])),
    ...(required.length > 0 && { required }),
  };
}

/** The arguments, or what is wrong with them, for the model. Arguments that the tool doesn't have are ignored. */
export function readArguments<P extends Parameters>(
  parameters: P,
  given: Record<string, unknown>,
): { kind: 'arguments'; values: ArgumentsOf<P> } | { kind: 'wrong'; error: string } {
  const values: Record<string, unknown> = {};
  for (const [name, parameter] of Object.entries(parameters)) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (value === undefined || value === null) {
      if (parameter.isRequired) return { kind: 'wrong', error: `"${name}" is missing: ${parameter.what}.` };
      values[name] = undefined;
      continue;
    }
    values[name] = parameter.read(value);
    if (values[name] === undefined) {
      const written = JSON.stringify(value).slice(0, 80);
      return { kind: 'wrong', error: `"${name}" must be ${parameter.what}, not ${written}.` };
    }
  }
  return { kind: 'arguments', values: values as ArgumentsOf<P> };
}

/** The list that a text is meant to be: its JSON, or itself as the only item. */
function listIn(text: string): unknown {
  if (!text.trimStart().startsWith('[')) return [text];
  try {
    return JSON.parse(text);
  } catch {
    return [text];
  }
}
