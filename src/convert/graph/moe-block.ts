/**
 * The one feed-forward block of every model: a Mixture-of-Experts of SwiGLU experts, y = sum of down(silu(gate x) * up x).
 *
 * `fusedExperts`: all experts are active, so they are one matrix pair (and the router is not asked).
 * `routedExperts`: a shared expert for every token and, per token, the k routed experts with the highest scores. Tokens are
 * sorted by expert, each expert multiplies its own rows (none = the node returns at once), and the rows are put back.
 */
import type { RouterWeights } from '../architectures/decoder.ts';
import type { MatrixSource } from '../weights.ts';
import type { GraphWriter, WeightForm } from './linear.ts';
import { trainedRouter } from './router.ts';

export interface ExpertWeights {
  /** [2*neurons, hidden], gate rows first */
  gateUp: MatrixSource;
  /** [hidden, neurons] */
  down: MatrixSource;
  biases?: { gateUp: Float32Array; down: Float32Array } | undefined;
  /** See Expert.clamped. */
  clamped?: { alpha: number; limit: number } | undefined;
  /** Mean square of each input channel, [hidden] and [neurons], where known. */
  importance?: { gateUp: Float32Array; down: Float32Array } | undefined;
}
export interface ExpertForms {
  gateUp: WeightForm;
  down: WeightForm;
}

/** x [n, hidden] -> [n, hidden], named `name`. */
export async function fusedExperts(
  graph: GraphWriter,
  name: string,
  x: string,
  weights: ExpertWeights,
  forms: ExpertForms,
): Promise<string> {
  await product(graph, `${name}.gate_up`, x, weights, 'gateUp', forms);
  const hidden = gated(graph, `${name}.gate_up`, name, weights.clamped);
  await product(graph, name, hidden, weights, 'down', forms);
  return name;
}

async function product(
  graph: GraphWriter,
  name: string,
  x: string,
  weights: ExpertWeights,
  part: 'gateUp' | 'down',
  forms: ExpertForms,
): Promise<void> {
  const bias = weights.biases?.[part];
  await graph.linear(name, x, weights[part], forms[part], {
    importance: weights.importance?.[part],
    ...(bias ? { bias } : {}),
  });
}

/** [r, 2*neurons] -> [r, neurons]: silu(gate) * up, or gpt-oss's clamped form. */
function gated(graph: GraphWriter, gateUp: string, name: string, clamped: ExpertWeights['clamped']): string {
  let [gate, up] = [`${name}.gate`, `${name}.up`];
  graph.builder.addNode('Split', [gateUp], [gate, up], { axis: 1, num_outputs: 2 });
  if (clamped) {
    const limit = graph.float(clamped.limit);
    gate = graph.node('Min', [gate, limit], `${name}.gate.clamped`);
    const bounded = graph.node('Clip', [up, graph.float(-clamped.limit), limit], `${name}.up.clamped`);
    up = graph.node('Add', [bounded, graph.float(1)], `${name}.up.shifted`);
  }
  // QuickGelu is x * sigmoid(alpha * x) in one node.
  const alpha = { alpha: { float: clamped?.alpha ?? 1 } };
  return graph.node('Mul', [graph.contrib('QuickGelu', [gate], `${name}.silu`, alpha), up], `${name}.mid`);
}

export interface CarvedRouter {
  /** [hidden, experts] row-major, and [experts]; scores = x @ weight + bias */
  weight: Float32Array;
  bias: Float32Array;
}

/**
 * A carved layer: x [n, hidden] -> [n, hidden], named `name`. `k` i64 [1] is the number of routed experts a token;
 * each counts in full.
 */
export async function carvedExperts(
  graph: GraphWriter,
  name: string,
  x: string,
  k: string,
  hidden: number,
  router: CarvedRouter,
  shared: ExpertWeights | null,
  experts: ExpertWeights[],
  forms: { shared: ExpertForms; routed: ExpertForms },
): Promise<string> {
  const count = experts.length;
  const weight = await graph.floats(`${name}.router.weight`, [hidden, count], router.weight);
  const bias = await graph.floats(`${name}.router.bias`, [count], router.bias);
  const scored = graph.node('MatMul', [x, weight], `${name}.router.product`);
  const scores = graph.node('Add', [scored, bias], `${name}.router.scores`);
  const picks = `${name}.picks`; // [n, k]
  graph.builder.addNode('TopK', [scores, k], [`${name}.router.best`, picks], { axis: 1, sorted: 0 });
  const cube = await dispatch(graph, name, x, picks, k, hidden, experts, forms.routed);
  return withShared(graph, name, x, cube, shared, forms.shared);
}

/** What `cube` [n, k, hidden] has of the k experts of each token, and the shared one, are added up to [n, hidden], named `name`. */
async function withShared(
  graph: GraphWriter,
  name: string,
  x: string,
  cube: string,
  shared: ExpertWeights | null,
  forms: ExpertForms,
): Promise<string> {
  const axes = graph.ints([1]);
  if (!shared) return graph.node('ReduceSum', [cube, axes], name, { keepdims: 0 });
  const routed = graph.node('ReduceSum', [cube, axes], `${name}.routed`, { keepdims: 0 });
  const sharedOut = await fusedExperts(graph, `${name}.shared`, x, shared, forms);
  return graph.node('Add', [sharedOut, routed], name);
}

/**
 * A layer that was trained with experts: x [n, hidden] -> [n, hidden], named `name`. How many of the tokens went to each expert
 * is an output of the graph.
 */
export async function trainedExperts(
  graph: GraphWriter,
  name: string,
  x: string,
  hidden: number,
  router: RouterWeights,
  shared: ExpertWeights | null,
  experts: ExpertWeights[],
  forms: { shared: ExpertForms; routed: ExpertForms },
): Promise<string> {
  const { picks, weights } = await trainedRouter(graph, name, x, hidden, router);
  const k = graph.ints([router.perToken]);
  const cube = await dispatch(graph, name, x, picks, k, hidden, experts, forms.routed);
  graph.builder.addOutput(`${name}.counts`, 'int64', [experts.length]);
  const column = graph.node('Unsqueeze', [weights, graph.ints([2])], `${name}.weights`);
  const weighted = graph.node('Mul', [cube, column], `${name}.weighted`);
  return withShared(graph, name, x, weighted, shared, forms.shared);
}

/**
 * What the experts in `picks` i64 [n, k] make of their tokens: [n, k, hidden]. The picks are sorted by expert, each expert
 * multiplies its own rows (none = the node returns at once), and the rows are put back.
 */
async function dispatch(
  graph: GraphWriter,
  name: string,
  x: string,
  picks: string,
  k: string,
  hidden: number,
  experts: ExpertWeights[],
  forms: ExpertForms,
): Promise<string> {
  const count = experts.length;
  // Sort the n*k picks by expert: `order` is the argsort, `inverse` its inverse.
  const flat = graph.node('Reshape', [picks, graph.ints([-1])], `${name}.flat`);
  const total = graph.node('Shape', [flat], `${name}.total`);
  const ascending = { axis: 0, largest: 0, sorted: 1 };
  graph.builder.addNode('TopK', [flat, total], [`${name}.sorted`, `${name}.order`], ascending);
  graph.builder.addNode(
    'TopK',
    [`${name}.order`, total],
    [`${name}.positions`, `${name}.inverse`],
    ascending,
  );
  const rows = graph.node('Div', [`${name}.order`, k], `${name}.rows`);
  const column = graph.node('Unsqueeze', [flat, graph.ints([1])], `${name}.column`);
  const matches = graph.node(
    'Equal',
    [column, graph.ints(Array.from({ length: count }, (_, e) => e))],
    `${name}.eq`,
  );
  const ones = graph.node('Cast', [matches], `${name}.ones`, { to: 7 });
  const counts = graph.node('ReduceSum', [ones, graph.ints([0])], `${name}.counts`, { keepdims: 0 });

  const each = (input: string, rowsOf: string | null, output: string, part: 'gateUp' | 'down') =>
    forms[part].kind === 'w8a8'
      ? productsOfCodes(graph, input, rowsOf, counts, output, experts, part)
      : products(graph, input, rowsOf, counts, output, experts, part, forms);
  const gateUp = await each(x, rows, `${name}.gate_up`, 'gateUp');
  const mid = gated(graph, gateUp, name, experts[0]!.clamped);
  const outs = await each(mid, null, `${name}.down`, 'down');
  const unsorted = graph.node('Gather', [outs, `${name}.inverse`], `${name}.unsorted`, { axis: 0 });
  const shape = graph.node(
    'Concat',
    [graph.node('Shape', [picks], `${name}.picks.shape`), graph.ints([hidden])],
    `${name}.cube.shape`,
    { axis: 0 },
  );
  return graph.node('Reshape', [unsorted, shape], `${name}.cube`);
}

/** Rows `rows` of x (all of them, if null), dealt to the experts by `counts`, each multiplied by its own weights: all outputs one above the other, named `name`. */
async function products(
  graph: GraphWriter,
  x: string,
  rows: string | null,
  counts: string,
  name: string,
  experts: ExpertWeights[],
  part: 'gateUp' | 'down',
  forms: ExpertForms,
): Promise<string> {
  const sorted = rows ? graph.node('Gather', [x, rows], `${name}.sorted`, { axis: 0 }) : x;
  const outputs = await dealt(graph, sorted, counts, name, experts, (output, input, expert) =>
    product(graph, output, input, expert, part, forms),
  );
  return graph.node('Concat', outputs, name, { axis: 0 });
}

/** The same in the form `w8a8`: rows are rounded once, before they are dealt, and scaled once, when all experts are done. */
async function productsOfCodes(
  graph: GraphWriter,
  x: string,
  rows: string | null,
  counts: string,
  name: string,
  experts: ExpertWeights[],
  part: 'gateUp' | 'down',
): Promise<string> {
  let { codes, scales } = graph.tokens.quantise(x);
  if (rows) {
    codes = graph.node('Gather', [codes, rows], `${name}.sorted`, { axis: 0 });
    scales = graph.node('Gather', [scales, rows], `${name}.sorted_scales`, { axis: 0 });
  }
  const outputs = await dealt(graph, codes, counts, name, experts, (output, input, expert) =>
    graph.multiplyCodes(output, input, expert[part]),
  );
  const all = graph.node('Concat', outputs, `${name}.product`, { axis: 0 });
  return graph.node('Mul', [all, scales], name);
}

/** Splits `sorted` by `counts` and has each expert multiply its rows; the names of what they make of them. */
async function dealt(
  graph: GraphWriter,
  sorted: string,
  counts: string,
  name: string,
  experts: ExpertWeights[],
  multiply: (output: string, input: string, expert: ExpertWeights) => Promise<unknown>,
): Promise<string[]> {
  const inputs = experts.map((_, e) => `${name}.x.${e}`);
  graph.builder.addNode('Split', [sorted, counts], inputs, { axis: 0 });
  const outputs = experts.map((_, e) => `${name}.${e}`);
  for (const [e, expert] of experts.entries()) await multiply(outputs[e]!, inputs[e]!, expert);
  return outputs;
}
