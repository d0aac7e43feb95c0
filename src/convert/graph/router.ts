/** The router of a trained Mixture-of-Experts: which experts a token goes to, and what each of them is worth. */
import type { RouterWeights } from '../architectures/decoder.ts';
import { transposed } from '../weights.ts';
import type { GraphWriter } from './linear.ts';

/** x [n, hidden] -> picks i64 [n, k], weights f32 [n, k]. In float32 throughout: a close call must fall as it was trained. */
export async function trainedRouter(
  graph: GraphWriter,
  name: string,
  x: string,
  hidden: number,
  router: RouterWeights,
): Promise<{ picks: string; weights: string }> {
  const p = `${name}.router`;
  const experts = router.weight.length / hidden;
  const weight = await graph.floats(`${p}.weight`, [hidden, experts], transposed(router.weight, experts));
  let logits = graph.node('MatMul', [x, weight], `${p}.product`);
  if (router.bias) {
    const bias = await graph.floats(`${p}.bias`, [experts], router.bias);
    logits = graph.node('Add', [logits, bias], `${p}.logits`);
  }
  const scores = scoresOf(graph, p, router.scores, logits);
  let choice = scores;
  if (router.selectionBias) {
    const bias = await graph.floats(`${p}.selection_bias`, [experts], router.selectionBias);
    choice = graph.node('Add', [scores, bias], `${p}.choice`);
  }
  if (router.groups) choice = bestGroups(graph, p, experts, router.groups, choice);
  const picks = `${name}.picks`;
  const best = `${p}.best`;
  graph.builder.addNode('TopK', [choice, graph.ints([router.perToken])], [best, picks], {
    axis: 1,
    sorted: 0,
  });
  let weights =
    choice === scores ? best : graph.node('GatherElements', [scores, picks], `${p}.gathered`, { axis: 1 });
  if (router.scores === 'chosen') weights = graph.node('Softmax', [weights], `${p}.softmax`, { axis: -1 });
  if (router.normalise) {
    const sum = graph.node('ReduceSum', [weights, graph.ints([1])], `${p}.total`);
    const { epsilon } = router.normalise;
    const safe = epsilon > 0 ? graph.node('Add', [sum, graph.float(epsilon)], `${p}.total.safe`) : sum;
    weights = graph.node('Div', [weights, safe], `${p}.normalised`);
  }
  if (router.scale !== 1) weights = graph.node('Mul', [weights, graph.float(router.scale)], `${p}.scaled`);
  return { picks, weights };
}

function scoresOf(graph: GraphWriter, p: string, kind: RouterWeights['scores'], logits: string): string {
  if (kind === 'chosen') return logits;
  return kind === 'softmax'
    ? graph.node('Softmax', [logits], `${p}.scores`, { axis: -1 })
    : graph.node('Sigmoid', [logits], `${p}.scores`);
}

/** `choice` [n, E] with all experts but those of the best groups at minus infinity. */
function bestGroups(
  graph: GraphWriter,
  p: string,
  experts: number,
  { count, chosen }: { count: number; chosen: number },
  choice: string,
): string {
  const grouped = graph.node('Reshape', [choice, graph.ints([-1, count, experts / count])], `${p}.groups`);
  graph.builder.addNode('TopK', [grouped, graph.ints([2])], [`${p}.groups.best`, `${p}.groups.best.at`], {
    axis: 2,
  });
  const sums = graph.node('ReduceSum', [`${p}.groups.best`, graph.ints([2])], `${p}.groups.scores`, {
    keepdims: 0,
  });
  graph.builder.addNode(
    'TopK',
    [sums, graph.ints([chosen])],
    [`${p}.groups.chosen`, `${p}.groups.chosen.at`],
    { axis: 1 },
  );
  const least = graph.node('ReduceMin', [`${p}.groups.chosen`, graph.ints([1])], `${p}.groups.least`);
  const isIn = graph.node('GreaterOrEqual', [sums, least], `${p}.groups.is_in`);
  const mask = graph.node('Unsqueeze', [isIn, graph.ints([2])], `${p}.groups.mask`);
  const masked = graph.node('Where', [mask, grouped, graph.float(-1e30)], `${p}.groups.masked`);
  return graph.node('Reshape', [masked, graph.ints([-1, experts])], `${p}.eligible`);
}
