/**
 * The one feed-forward block of every model: a Mixture-of-Experts of SwiGLU experts, y = sum of down(silu(gate x) * up x).
 *
 * `fusedExperts`: all experts are active, so they are one matrix pair (and the router is not asked).
 * `routedExperts`: a shared expert for every token and, per token, the k routed experts with the highest scores. Tokens are
 * sorted by expert, each expert multiplies its own rows (none = the node returns at once), and the rows are put back.
 */
import type { MatrixSource } from '../weights.ts';
import type { GraphWriter, WeightForm } from './linear.ts';

export interface ExpertWeights {
  /** [2*neurons, hidden], gate rows first */
  gateUp: MatrixSource;
  /** [hidden, neurons] */
  down: MatrixSource;
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
  await graph.linear(`${name}.gate_up`, x, weights.gateUp, forms.gateUp, {
    importance: weights.importance?.gateUp,
  });
  const hidden = swiglu(graph, `${name}.gate_up`, name);
  await graph.linear(name, hidden, weights.down, forms.down, { importance: weights.importance?.down });
  return name;
}

/** [r, 2*neurons] -> [r, neurons]: silu(gate) * up */
function swiglu(graph: GraphWriter, gateUp: string, name: string): string {
  graph.builder.addNode('Split', [gateUp], [`${name}.gate`, `${name}.up`], { axis: 1, num_outputs: 2 });
  // QuickGelu with alpha 1 is x * sigmoid(x) in one node.
  const gate = graph.contrib('QuickGelu', [`${name}.gate`], `${name}.silu`, { alpha: { float: 1 } });
  return graph.node('Mul', [gate, `${name}.up`], `${name}.mid`);
}

export interface Router {
  /** [hidden, experts] row-major, and [experts]; scores = x @ weight + bias */
  weight: Float32Array;
  bias: Float32Array;
}

/** x [n, hidden] -> [n, hidden], named `name`. `k` is the graph input [1] with the number of routed experts a token. */
export async function routedExperts(
  graph: GraphWriter,
  name: string,
  x: string,
  k: string,
  hidden: number,
  router: Router,
  shared: ExpertWeights,
  experts: ExpertWeights[],
  forms: { shared: ExpertForms; routed: ExpertForms },
): Promise<string> {
  const count = experts.length;
  const sharedOut = await fusedExperts(graph, `${name}.shared`, x, shared, forms.shared);

  const weight = await graph.floats(`${name}.router.weight`, [hidden, count], router.weight);
  const bias = await graph.floats(`${name}.router.bias`, [count], router.bias);
  const product = graph.node('MatMul', [x, weight], `${name}.router.product`);
  const scores = graph.node('Add', [product, bias], `${name}.router.scores`);
  const picks = `${name}.picks`; // [n, k]
  graph.builder.addNode('TopK', [scores, k], [`${name}.router.best`, picks], { axis: 1, sorted: 0 });

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

  const sorted = graph.node('Gather', [x, rows], `${name}.sorted_x`, { axis: 0 });
  const inputs = experts.map((_, e) => `${name}.x.${e}`);
  graph.builder.addNode('Split', [sorted, counts], inputs, { axis: 0 });
  for (const [e, expert] of experts.entries()) {
    await graph.linear(`${name}.gate_up.${e}`, inputs[e]!, expert.gateUp, forms.routed.gateUp, {
      importance: expert.importance?.gateUp,
    });
  }
  const gateUp = graph.node(
    'Concat',
    experts.map((_, e) => `${name}.gate_up.${e}`),
    `${name}.gate_up`,
    { axis: 0 },
  );
  const mid = swiglu(graph, gateUp, name);
  const mids = experts.map((_, e) => `${name}.mid.${e}`);
  graph.builder.addNode('Split', [mid, counts], mids, { axis: 0 });
  for (const [e, expert] of experts.entries()) {
    await graph.linear(`${name}.down.${e}`, mids[e]!, expert.down, forms.routed.down, {
      importance: expert.importance?.down,
    });
  }
  const outs = graph.node(
    'Concat',
    experts.map((_, e) => `${name}.down.${e}`),
    `${name}.outs`,
    { axis: 0 },
  );
  const unsorted = graph.node('Gather', [outs, `${name}.inverse`], `${name}.unsorted`, { axis: 0 });
  const shape = graph.node(
    'Concat',
    [graph.node('Shape', [picks], `${name}.picks.shape`), graph.ints([hidden])],
    `${name}.cube.shape`,
    { axis: 0 },
  );
  const cube = graph.node('Reshape', [unsorted, shape], `${name}.cube`);
  const routed = graph.node('ReduceSum', [cube, graph.ints([1])], `${name}.routed`, { keepdims: 0 });
  return graph.node('Add', [sharedOut, routed], name);
}
