/** A model in words: what `Moebius: Show Model` opens. */
import type { Manifest } from '../../models/manifest.ts';
import type { ModelInfo, ModelSummary } from '../../protocol/daemon.ts';

/** `note`: what it needs and how fast it is on this machine. */
export function modelPage(
  model: ModelSummary & { manifest: Manifest },
  loaded: ModelInfo | null,
  note: string,
): string {
  const { manifest, capabilities } = model;
  const { dims, experts } = manifest;
  const rows: [string, string][] = [
    ['Id', model.id],
    ['Architecture', manifest.architecture],
    ['Parameters', manifest.parameters.toLocaleString('en')],
    ['Precision', model.variant],
    ['On disk', `${Math.round(model.sizeBytes / 1e6).toLocaleString('en')} MB in ${model.path}`],
    ['Here', note],
    ['Layers, hidden size', `${dims.layers}, ${dims.hidden}`],
    ['Heads', `${dims.heads} (${dims.kvHeads} for keys and values)`],
    ['Context', `${dims.trainedContext.toLocaleString('en')} tokens as trained`],
    [
      'Experts',
      experts
        ? `${experts.routed} routed of ${experts.routedNeurons} neurons, ${experts.sharedNeurons} shared (${experts.kind})`
        : 'none',
    ],
    ['Levels', capabilities.levels.join(', ')],
    ['Can', abilities(capabilities)],
    ['License', manifest.license],
    ['Made from', `${manifest.source.file}, sha256 ${manifest.source.sha256}`],
  ];
  if (loaded) {
    const { contextTokens, loadMs, threads } = loaded;
    rows.push([
      'Loaded',
      `in ${(loadMs / 1000).toFixed(1)} s, ${threads} threads, ${contextTokens.toLocaleString('en')} tokens of context`,
    ]);
  } else rows.push(['Loaded', 'no']);
  const table = rows.map(([name, value]) => `| ${name} | ${value.replaceAll('|', '\\|')} |`);
  return [`# ${manifest.name}`, '', '| | |', '|---|---|', ...table, ''].join('\n');
}

function abilities({ chat, fillInTheMiddle, toolCalls }: ModelSummary['capabilities']): string {
  const can = [chat && 'chat', fillInTheMiddle && 'complete code', toolCalls && 'call tools'].filter(Boolean);
  return can.join(', ') || 'nothing';
}
