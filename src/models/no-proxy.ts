/** What `no_proxy` says: which servers are asked directly where a proxy is named. */
import { BlockList, isIP } from 'node:net';

/** What another machine could not reach, whatever the environment says. */
const HERE = ['localhost', '127.0.0.0/8', '::1'];
const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

/**
 * Whether one of the entries, parted by commas or space, names the server: `*`, a host with all below it (`.host` and `*.host`
 * are the same), an address or a range of them (`10.0.0.0/8`); with `:port`, that port alone.
 */
export function isExempt({ protocol, hostname, port }: URL, noProxy: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '');
  const itsPort = port || DEFAULT_PORTS[protocol];
  return [...noProxy.toLowerCase().split(/[,\s]+/), ...HERE].some(entry => {
    const [name, only] = partsOf(entry);
    return name !== '' && (only === undefined || only === itsPort) && covers(name, host);
  });
}

/** Name and port; the colons of an IPv6 address stand before no port. */
function partsOf(entry: string): [name: string, port: string | undefined] {
  if (isIP(entry)) return [entry, undefined];
  const [, name, port] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(entry)!;
  return [name!.replace(/^\*?\./, ''), port];
}

function covers(name: string, host: string): boolean {
  if (name === '*' || host === name || (!isIP(host) && host.endsWith(`.${name}`))) return true;
  const [, net, bits] = /^(.+)\/(\d{1,3})$/.exec(name) ?? [];
  const family = isIP(host);
  if (!net || family === 0 || isIP(net) !== family || Number(bits) > (family === 4 ? 32 : 128)) return false;
  const type = family === 4 ? 'ipv4' : 'ipv6';
  const range = new BlockList();
  range.addSubnet(net, Number(bits), type);
  return range.check(host, type);
}
