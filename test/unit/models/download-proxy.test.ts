/** Downloads through the proxy that the environment names. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { download } from '../../../src/models/download.ts';
import { downloadJson } from '../../../src/models/download-json.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { FaultServer } from './fault-server.ts';

const CONTENT = Buffer.from(JSON.stringify({ text: 'x'.repeat(100_000) }));
/** Known to the proxy alone. */
const HUB = 'http://hub.test';
const VARIABLES = ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];

describe('models: download through a proxy', () => {
  let server: FaultServer;
  let proxy: Server;
  let tunnels: string[];
  /** Of an answer that refuses. */
  let refusal: string | null;
  let kept: NodeJS.ProcessEnv;
  let address: string;

  beforeEach(async () => {
    server = await FaultServer.start(CONTENT);
    [tunnels, refusal] = [[], null];
    proxy = createServer();
    const open = new Set<Socket>();
    proxy.on('connect', ({ url }, client: Socket) => {
      tunnels.push(url!);
      if (refusal) return void client.end(`HTTP/1.1 ${refusal}\r\n\r\n`);
      const { port, hostname } = new URL(server.url);
      const target = connect(Number(port), hostname, () => {
        client.write('HTTP/1.1 200 Connection established\r\n\r\n');
        client.pipe(target).pipe(client);
      });
      for (const socket of [client, target]) open.add(socket.on('error', () => {}));
    });
    proxy.on('close', () => {
      for (const socket of open) socket.destroy();
    });
    await once(proxy.listen(0, '127.0.0.1'), 'listening');
    address = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    kept = Object.fromEntries(VARIABLES.map(name => [name, process.env[name]]));
    for (const name of VARIABLES) delete process.env[name];
  });
  afterEach(async () => {
    for (const [name, value] of Object.entries(kept)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    proxy.close();
    await server.stop();
  });

  const get = async (url = `${HUB}/f`, path = join(tempFolder(), 'f')) => {
    await download({ url, path, sizeBytes: CONTENT.length, retryDelayMs: () => 1 });
    return readFile(path);
  };

  for (const [name, scheme] of [
    ['http_proxy', 'http://'],
    ['HTTP_PROXY', 'http://user:secret@'],
    ['http_proxy', ''],
  ] as const) {
    it(`goes through ${name}=${scheme}host:port, also on with what broke off`, async () => {
      process.env[name] = scheme + address;
      server.faults = ['reset'];
      assert.ok((await get()).equals(CONTENT));
      assert.deepEqual(new Set(tunnels), new Set(['hub.test:80']));
      assert.equal(server.bytesSent, CONTENT.length, 'no byte twice');
      assert.deepEqual(await downloadJson(`${HUB}/list`), JSON.parse(CONTENT.toString()));
      assert.equal(tunnels.length, 3);
    });
  }

  it('goes around it to this machine, and to servers of no_proxy', async () => {
    process.env.http_proxy = `http://${address}`;
    assert.ok((await get(`${server.url}/f`)).equals(CONTENT));
    process.env.NO_PROXY = 'example.org,.test';
    await assert.rejects(get(), { code: 'download-failed', message: /hub\.test/ });
    assert.deepEqual(tunnels, []);
  });

  it('says what the proxy said, and no password', async () => {
    process.env.https_proxy = `http://user:secret@${address}`;
    process.env.http_proxy = process.env.https_proxy;
    const expectReason = (message: RegExp) =>
      assert.rejects(get(), error => {
        const { code, message: text } = error as Error & { code: string };
        assert.equal(code, 'download-failed');
        assert.match(text, message);
        assert.doesNotMatch(text, /secret/);
        return true;
      });
    refusal = '407 Proxy Authentication Required';
    await expectReason(new RegExp(`the proxy ${address} wants a user name and a password`));
    refusal = '403 Forbidden';
    await expectReason(new RegExp(`the proxy ${address} refused, with status 403\\.$`));
    assert.equal(tunnels.length, 2, 'a refusal is final');
    proxy.close();
    proxy.closeAllConnections();
    await once(proxy, 'close');
    await expectReason(new RegExp(`ECONNREFUSED.*the environment names the proxy ${address}`));
  });
});
