/**
 * What a JSON Schema says of a value, wherever it says it: behind local references, in unions, in parts that hold together.
 * Schemas come from servers and callers, so they are followed only so far; what lies beyond may be anything.
 */
export type Schema = Readonly<Record<string, unknown>>;

/** References and unions inside each other. */
const MAX_DEPTH = 16;
const MAX_BRANCHES = 32;
/** Schemas that are looked at for one value, however often they name each other. */
const MAX_VISITS = 512;
const ANYTHING: Schema = {};
const TYPES: readonly unknown[] = ['string', 'integer', 'number', 'boolean', 'array', 'object', 'null'];

/** The schemas of which a value follows one: without references and unions, each of one `type` or of any. */
export function branchesOf(schema: unknown, root: Schema): Schema[] {
  let visits = MAX_VISITS;
  function unfold(value: unknown, depth: number): Schema[] {
    if (!isObject(value) || depth === 0 || visits-- <= 0) return [ANYTHING];
    const { $ref, allOf, anyOf, oneOf, ...own } = value;
    const inner = (list: readonly unknown[]) => list.map(one => unfold(one, depth - 1));
    const parts = [
      ...(typeof $ref === 'string' ? inner([referred($ref, root)]) : []),
      ...(Array.isArray(allOf) ? inner(allOf.slice(0, MAX_BRANCHES)) : []),
      ...[anyOf, oneOf].flatMap(list => (Array.isArray(list) && list.length > 0 ? [inner(list).flat()] : [])),
    ];
    // Last, since a description beside a reference is the nearer one.
    return [...parts, [own]].reduce(combined);
  }
  return bounded(unfold(schema, MAX_DEPTH).flatMap(ofOneType));
}

/** JSON types that a value may have; [] where any will do. */
export function typesIn(schema: unknown, root: Schema): string[] {
  const types = branchesOf(schema, root).map(({ type }) => type as string | undefined);
  return types.includes(undefined) ? [] : [...new Set(types as string[])];
}

/** Of an object: the properties of all its branches, and those that each of them requires. */
export function membersIn(schema: unknown, root: Schema): { properties: Schema; required: string[] } {
  const branches = branchesOf(schema, root);
  const found = new Map<string, Set<unknown>>();
  for (const { properties } of branches)
    for (const [key, value] of Object.entries(isObject(properties) ? properties : {}))
      found.set(key, (found.get(key) ?? new Set()).add(value));
  const entries = [...found].map(([key, [...all]]) => [key, all.length === 1 ? all[0] : { anyOf: all }]);
  const [first, ...others] = branches.map(
    ({ required }) => new Set(Array.isArray(required) ? required.map(String) : []),
  );
  return {
    properties: Object.fromEntries(entries),
    required: [...first!].filter(key => others.every(other => other.has(key))),
  };
}

export function jsonType(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What `#/a/b` names in `root`; other references lead out of it, and nothing is fetched. */
export function referred(ref: string, root: Schema): unknown {
  const [start, ...steps] = ref.split('/');
  if (start !== '#') return undefined;
  return steps.reduce<unknown>((at, step) => {
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
    return typeof at === 'object' && at !== null && Object.hasOwn(at, key)
      ? at[key as keyof typeof at]
      : undefined;
  }, root);
}

/** Branches of a value that follows one of `left` and one of `right`. */
function combined(left: Schema[], right: Schema[]): Schema[] {
  const [some, others] = [bounded(left), bounded(right)];
  if (some.length * others.length > MAX_BRANCHES) return others;
  return some.flatMap(one => others.map(other => merged(one, other)));
}

/** A part of a union would forbid the rest. */
const bounded = (branches: Schema[]): Schema[] => (branches.length > MAX_BRANCHES ? [ANYTHING] : branches);

function merged(one: Schema, other: Schema): Schema {
  if (one === ANYTHING) return other;
  const { properties, required } = one;
  return {
    ...one,
    ...other,
    ...(isObject(properties) &&
      isObject(other.properties) && { properties: { ...properties, ...other.properties } }),
    ...(Array.isArray(required) &&
      Array.isArray(other.required) && { required: [...new Set([...required, ...other.required])] }),
  };
}

function ofOneType(branch: Schema): Schema[] {
  const types = [...new Set(typesOfBranch(branch))].filter(type => TYPES.includes(type));
  return (types.length === 0 ? [undefined] : types).map(type => ({ ...branch, type }));
}

function typesOfBranch(branch: Schema): unknown[] {
  if (branch.type !== undefined) return [branch.type].flat();
  if ('const' in branch) return [jsonType(branch.const)];
  if (Array.isArray(branch.enum)) return branch.enum.map(jsonType);
  if (isObject(branch.properties) || branch.additionalProperties !== undefined) return ['object'];
  return branch.items === undefined ? [] : ['array'];
}
