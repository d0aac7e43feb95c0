/** A hub on this machine: one repository, its list of files with hashes, and downloads that can be resumed. */
import { createHash } from 'node:crypto';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const REVISION = 'c'.repeat(40);

export class HubServer {
  readonly files: Map<string, Buffer>;
  /** Served in place of what is listed. */
  readonly swapped = new Map<string, Buffer>();
  /** Cut the connection in the middle of this file, so many times. */
  cuts = new Map<string, number>();
  /** In place of the list. */
  list: unknown = null;
  readonly requests: string[] = [];
  readonly #server: Server;

  private constructor(files: Record<string, Buffer>) {
    this.files = new Map(Object.entries(files));
    this.#server = createServer((request, response) =>
      this.#answer(request.url ?? '', request.headers.range, response),
    );
  }

  static async start(files: Record<string, Buffer>): Promise<HubServer> {
    const hub = new HubServer(files);
    await new Promise<void>(resolve => hub.#server.listen(0, '127.0.0.1', resolve));
    return hub;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise(resolve => this.#server.close(resolve));
  }

  #answer(url: string, range: string | undefined, response: ServerResponse): void {
    this.requests.push(range ? `${url} ${range}` : url);
    if (url === '/api/models/o/r/revision/main') sendJson(response, { sha: REVISION, id: 'o/r' });
    else if (url === `/api/models/o/r/tree/${REVISION}`) sendJson(response, this.list ?? this.#list());
    else this.#sendFile(url, range, response);
  }

  #sendFile(url: string, range: string | undefined, response: ServerResponse): void {
    const name = url.slice(`/o/r/resolve/${REVISION}/`.length);
    const content = this.swapped.get(name) ?? this.files.get(name);
    if (!url.startsWith(`/o/r/resolve/${REVISION}/`) || !content) return void response.writeHead(404).end();
    const start = range ? Number(/^bytes=(\d+)-/.exec(range)![1]) : 0;
    const part = content.subarray(start);
    response.writeHead(start > 0 ? 206 : 200, {
      'content-length': part.length,
      etag: `"${name}"`,
      ...(start > 0 && { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` }),
    });
    const cuts = this.cuts.get(name) ?? 0;
    if (cuts === 0) return void response.end(part);
    this.cuts.set(name, cuts - 1);
    response.write(part.subarray(0, part.length >> 1), () => response.destroy());
  }

  /** Weights and the tokenizer in large file storage, as hubs have them; the rest in git itself. */
  #list(): unknown[] {
    return [...this.files].map(([path, content]) => {
      const blob = createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
      const isLarge = /safetensors$|^tokenizer\.json$/.test(path);
      const oid = createHash('sha256').update(content).digest('hex');
      return {
        type: path.includes('/') ? 'directory' : 'file',
        path,
        size: content.length,
        oid: isLarge ? 'a'.repeat(40) : blob,
        ...(isLarge && { lfs: { oid, size: content.length, pointerSize: 134 } }),
      };
    });
  }
}

function sendJson(response: ServerResponse, json: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(json));
}
