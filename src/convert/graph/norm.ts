/** RMSNorm in onnxruntime's fused forms. */
import type { GraphWriter } from './linear.ts';

/** x [n, width] -> [n, width] named `name`: x / rms(x) * gamma [width]. */
export async function rmsNorm(
  graph: GraphWriter,
  name: string,
  x: string,
  gamma: Float32Array,
  epsilon: number,
): Promise<string> {
  const weight = await graph.floats(`${name}.weight`, [gamma.length], gamma);
  const attributes = { axis: -1, epsilon: { float: epsilon } };
  return graph.node('SimplifiedLayerNormalization', [x, weight], name, attributes);
}

/** sum = residual + delta, out = RMSNorm(sum), in one node where there is a delta. */
export async function addAndNorm(
  graph: GraphWriter,
  name: string,
  residual: string,
  delta: string | null,
  gamma: Float32Array,
  epsilon: number,
): Promise<{ out: string; sum: string }> {
  if (delta === null) return { out: await rmsNorm(graph, name, residual, gamma, epsilon), sum: residual };
  const weight = await graph.floats(`${name}.weight`, [gamma.length], gamma);
  const outputs = [name, '', '', `${name}.sum`];
  graph.contrib(
    'SkipSimplifiedLayerNormalization',
    [residual, delta, weight],
    name,
    { epsilon: { float: epsilon } },
    outputs,
  );
  return { out: name, sum: `${name}.sum` };
}
