/** The daemon's state in words: what `Moebius: Show Status` opens. */
import type { StatusResult } from '../../protocol/daemon.ts';
import type { DiskUse } from '../chat/store.ts';
import type { DaemonState } from '../context.ts';

/** What the extension keeps for this workspace; of the agent's checkpoints only where there is a folder. */
export interface WorkspaceUse {
  chats: DiskUse;
  checkpoints: DiskUse | null;
}

/** The process is there and can be asked, with a model or without. */
export const isUp = ({ kind }: DaemonState): boolean =>
  kind === 'ready' || kind === 'loading' || kind === 'no-model';

export function describeStatus(state: DaemonState, status: StatusResult | null, use: WorkspaceUse): string {
  const lines = [
    '# Moebius: status',
    '',
    `State: ${state.kind}${'reason' in state ? ` (${state.reason})` : ''}`,
  ];
  const disk = ['', diskLine('Chats', use.chats)];
  if (use.checkpoints) disk.push('', diskLine('Checkpoints', use.checkpoints));
  if (!status) return [...lines, '', 'The inference daemon is not running.', ...disk, ''].join('\n');
  const { memory, speed, sequences } = status;
  lines.push(
    `Model: ${status.model ?? 'none'}, ${status.phase}, ${status.queued} waiting`,
    `Up for ${Math.round(status.uptimeMs / 1000)} s`,
    `Memory: ${megabytes(memory.rssBytes)} resident, ${megabytes(memory.kvBytes)} of it keys and values`,
    `Speed: reads ${rate(speed.prefillTokensPerSecond)}, writes ${rate(speed.decodeTokensPerSecond)}`,
  );
  if (sequences.length > 0) {
    lines.push('', '| sequence | tokens | room for | memory |', '|---|--:|--:|--:|');
    for (const { name, tokens, capacityTokens, bytes } of sequences)
      lines.push(`| ${name} | ${tokens} | ${capacityTokens} | ${megabytes(bytes)} |`);
  }
  return [...lines, ...disk, ''].join('\n').replace(/\n(?=(?:Model|Up|Memory|Speed))/g, '  \n');
}

const diskLine = (what: string, { sizeBytes, capBytes }: DiskUse): string =>
  `${what} of this workspace: ${megabytes(sizeBytes)} of at most ${megabytes(capBytes)}`;
const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6).toLocaleString('en')} MB`;
const rate = (perSecond: number | null): string =>
  perSecond === null ? 'not measured yet' : `${perSecond.toFixed(1)} tokens/s`;
