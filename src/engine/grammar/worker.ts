/**
 * The grammar thread's main file (bundle dist/grammar-worker.js): compiling blocks for up to seconds, so it is done where
 * nobody waits for other things, and where it can be ended. Requests are done one at a time, in order.
 */
import { parentPort } from 'node:worker_threads';
import { MatcherTable } from './matcher-table.ts';
import type { GrammarReply, GrammarRequest, TokenMask } from './wire.ts';

const port = parentPort!;
let table: MatcherTable | null = null;

/** The library aborts on a bad grammar and says why on stderr only. */
let complaints: string[] = [];
console.error = (...parts: unknown[]) => void complaints.push(parts.join(' '));

async function answer(request: GrammarRequest): Promise<TokenMask | null> {
  if (request.method === 'vocabulary') {
    table = await MatcherTable.create(request.args);
    return null;
  }
  const { key } = request.args;
  if (request.method === 'open') return table!.open(key, request.args.source);
  if (request.method === 'accept') return table!.accept(key, request.args.token);
  table!.close(key);
  return null;
}

function post(reply: GrammarReply): void {
  port.postMessage(reply, 'result' in reply && reply.result ? [reply.result.buffer] : []);
}

let last: Promise<void> = Promise.resolve();
port.on('message', (request: GrammarRequest) => {
  last = last.then(async () => {
    complaints = [];
    try {
      post({ result: await answer(request) });
    } catch (error) {
      post({ error: reason(error) });
    }
  });
});

/** `[FATAL] /path/file.cc:552: EBNF parser error at ...` without its beginning; C++ exceptions come as numbers. */
function reason(error: unknown): string {
  const fatal = complaints.map(
    line => /^\[FATAL\] \S+:\d+: (?:Check failed: \(.*?\) is false: )?(.+)/s.exec(line)?.[1],
  );
  return (
    fatal.find(text => text !== undefined) ?? (error instanceof Error ? error.message : 'no reason is given')
  );
}
