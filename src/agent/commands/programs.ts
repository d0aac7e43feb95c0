/**
 * What is known about programs: which only read and may run by themselves, which start others, and which are worth a word of
 * warning. A program that is in no table is asked for.
 */

/** How a command of a program that only reads is looked at. Arguments are literal and hold no path outside when this is asked. */
export interface Reader {
  /** Options that make it do more: short ones as letters, long ones by name; abbreviations count. */
  notShort?: string;
  notLong?: readonly string[];
  /** Fewer arguments that are no options than this, and it takes something else for them: `cd` the home folder. */
  minOperands?: number;
  /** More arguments that are no options than this, and it writes to the last. */
  maxOperands?: number;
  /** Prints the contents of files: their names must not be patterns or look like secrets. */
  printsFiles?: boolean;
  /** Its arguments are text, never paths. */
  isText?: boolean;
  /** The worst that a file whose name is an option does to `*.ts` is to make it tell other names. */
  takesPatterns?: boolean;
  /** The first argument that is no option is a pattern, not a path. */
  hasPattern?: boolean;
  /** That pattern must match this. */
  onlyPattern?: RegExp;
  /** Every option must match this. */
  onlyOptions?: RegExp;
  /** Every argument that is no option must match this. */
  onlyOperands?: RegExp;
}

export const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  // Behind links lies what may be outside.
  ['ls', { notShort: 'LH', notLong: ['dereference', 'dereference-command-line'], takesPatterns: true }],
  ['pwd', { maxOperands: 0 }],
  // Into which folder must be known, since later paths start there.
  ['cd', { minOperands: 1, maxOperands: 1, onlyOptions: /^$/, onlyOperands: /^[^-*?[][^*?[]*$/ }],
  ['echo', { isText: true }],
  ['printf', { isText: true, notShort: 'v' }],
  ['true', { isText: true }],
  ['false', { isText: true }],
  ['whoami', { maxOperands: 0 }],
  ['date', { notShort: 'sfr', notLong: ['set', 'file', 'reference'], onlyOperands: /^\+/ }],
  ['uname', { maxOperands: 0 }],
  ['which', { isText: true }],
  ['type', { isText: true }],
  ['basename', {}],
  ['dirname', {}],
  ['stat', {}],
  ['du', { notShort: 'LHDX', notLong: ['files0-from', 'exclude-from', 'dereference', 'dereference-args'] }],
  ['file', { notShort: 'CmfzZp', notLong: ['compile', 'magic-file', 'files-from', 'uncompress'] }],
  // -R writes a page into each folder.
  ['tree', { notShort: 'olR', notLong: ['fromfile', 'fromtabfile'] }],
  ['cat', { printsFiles: true }],
  ['head', { printsFiles: true }],
  ['tail', { printsFiles: true, notShort: 'fF', notLong: ['follow', 'retry', 'pid'] }],
  ['wc', { notLong: ['files0-from'] }],
  ['nl', { printsFiles: true }],
  ['cut', { printsFiles: true }],
  ['tr', { isText: true }],
  ['rev', { printsFiles: true }],
  ['uniq', { printsFiles: true, maxOperands: 1 }],
  ['comm', { printsFiles: true }],
  ['cmp', { printsFiles: true }],
  // Not diff: of two folders it prints all files in them, through links too.
  [
    'sort',
    {
      printsFiles: true,
      notShort: 'oTS',
      notLong: ['output', 'compress-program', 'temporary-directory', 'files0-from'],
    },
  ],
  [
    'grep',
    {
      printsFiles: true,
      hasPattern: true,
      notShort: 'rRfeEd',
      notLong: ['recursive', 'dereference-recursive', 'file', 'regexp', 'exclude-from', 'directories'],
    },
  ],
  // Not rg: it searches whole folders, with the keys and passwords in them; the tool `grep` leaves those out.
  ['sed', { printsFiles: true, hasPattern: true, onlyOptions: /^-n$/, onlyPattern: /^\d+(,(\d+|\$))?p$/ }],
  [
    'find',
    {
      onlyOptions:
        /^-(name|iname|path|ipath|type|size|mtime|mmin|maxdepth|mindepth|not|o|or|a|and|prune|print|empty)$/,
    },
  ],
]);

/** With `--submodule` git runs itself in other repositories. */
const SHOWS_COMMITS: Reader = {
  printsFiles: true,
  notShort: 'oO',
  notLong: ['output', 'ext-diff', 'textconv', 'submodule', 'show-signature'],
};

/** Subcommands of git that only read, with the options that make them do more. */
export const GIT_READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['status', {}],
  [
    'diff',
    {
      printsFiles: true,
      notShort: 'oO',
      notLong: ['output', 'ext-diff', 'textconv', 'submodule', 'no-index'],
    },
  ],
  ['log', SHOWS_COMMITS],
  ['show', SHOWS_COMMITS],
  // -S prints the lines of its file that are no commits.
  [
    'blame',
    { printsFiles: true, notShort: 'S', notLong: ['output', 'contents', 'textconv', 'ignore-revs-file'] },
  ],
  ['ls-files', { notShort: 'X', notLong: ['exclude-from', 'exclude-per-directory', 'recurse-submodules'] }],
  ['ls-tree', {}],
  // For the repository around this one it runs git there.
  ['rev-parse', { notLong: ['parseopt', 'sq-quote', 'show-superproject-working-tree'] }],
  ['rev-list', { notShort: 'oO', notLong: ['output'] }],
  // To see whether something has changed it writes the index, which runs a hook.
  ['describe', { notLong: ['dirty', 'broken'] }],
  ['shortlog', { notShort: 'o', notLong: ['output'] }],
  [
    'branch',
    { maxOperands: 0, onlyOptions: /^(-a|-r|-v|-vv|--all|--list|--remotes|--verbose|--show-current)$/ },
  ],
  ['tag', { maxOperands: 0, onlyOptions: /^(-l|--list)$/ }],
  // With -v it prints addresses, and there may be passwords in them.
  ['remote', { maxOperands: 0, onlyOptions: /^$/ }],
]);

/**
 * `PROGRAM --version` and nothing else. Not those that a file of the repository turns into another program before they read their
 * arguments: yarn (`yarnPath`), pnpm (`packageManager`), cargo and rustc (`rust-toolchain.toml`), go (`toolchain`).
 */
export const VERSIONED = new Set(
  'node npm python python3 pip pip3 ruby java javac gcc g++ clang make cmake git docker deno bun php tsc'.split(
    ' ',
  ),
);

/** Programs that start another one: the options that take a value of their own, and how many operands come before its name. */
export interface Wrapper {
  valueOptions: string;
  operands?: number;
  /** What may stand before that name: with it, and nothing else, it adds nothing to what the other program does. */
  transparent?: RegExp;
}
export const WRAPPERS: ReadonlyMap<string, Wrapper> = new Map<string, Wrapper>([
  // The program, which writes any text into any file. The keyword of the shell is none.
  ['time', { valueOptions: 'fo' }],
  ['timeout', { valueOptions: 'ks', operands: 1, transparent: /^[\d.]+[smhd]?$/ }],
  ['nice', { valueOptions: 'n', transparent: /^(-n -?\d+)?$/ }],
  ['env', { valueOptions: 'uCS' }],
  ['xargs', { valueOptions: 'ILnPsEda' }],
  ['nohup', { valueOptions: '' }],
  ['setsid', { valueOptions: '' }],
  ['stdbuf', { valueOptions: 'ioe' }],
  ['ionice', { valueOptions: 'cnp' }],
  ['command', { valueOptions: '' }],
  ['builtin', { valueOptions: '' }],
  ['exec', { valueOptions: 'a' }],
  ['watch', { valueOptions: 'n' }],
  ['busybox', { valueOptions: '' }],
  ['parallel', { valueOptions: 'jN' }],
  ['chroot', { valueOptions: '', operands: 1 }],
  ['strace', { valueOptions: 'eops' }],
]);

export const SHELLS = new Set('sh bash zsh dash ksh fish ash csh tcsh'.split(' '));
/** Programs that run text as code: option -> code. */
export const INTERPRETERS = new Set(
  'node nodejs deno bun python python2 python3 perl ruby php lua osascript powershell pwsh awk gawk mawk sed ed ex vim tclsh Rscript'.split(
    ' ',
  ),
);

const words = (text: string): RegExp => new RegExp(`^(?:${text.trim().split(/\s+/).join('|')})$`);

/** Always a strong warning: it takes rights, or destroys more than files of the workspace. */
export const DANGEROUS: readonly (readonly [RegExp, string])[] = [
  [words('sudo su doas runas pkexec gsudo sudoedit visudo'), 'takes the rights of another user'],
  [words('chown chgrp icacls takeown setfacl setcap'), 'changes who owns or may use files'],
  [
    words(
      'mkfs mkfs\\..* mke2fs mkswap fdisk sfdisk cfdisk gdisk parted diskpart wipefs format blkdiscard hdparm shred cipher',
    ),
    'erases disks or files beyond repair',
  ],
  [words('modprobe insmod rmmod kextload kextunload'), 'changes the kernel'],
  [words('shutdown reboot halt poweroff telinit'), 'stops the computer'],
  [words('eval'), 'runs text as a command'],
  [words('bcdedit vssadmin wbadmin'), 'changes how the computer starts or what it can restore'],
];

/** Asked for with a word of warning, and never remembered. */
export const WARNED: readonly (readonly [RegExp, string])[] = [
  [
    words(
      'curl wget fetch http https xh aria2c lynx nc ncat netcat socat telnet ftp tftp sftp ssh scp rsync mosh ping ping6 nslookup dig host traceroute tracepath whois certutil bitsadmin openssl',
    ),
    'talks to other computers',
  ],
  [
    words('aws gcloud az kubectl helm terraform pulumi ansible.* doctl flyctl heroku vercel netlify gh glab'),
    'acts on services outside this computer',
  ],
  [
    words('docker podman nerdctl lxc vagrant virsh'),
    'starts containers or machines, which may use files anywhere',
  ],
  [
    words(
      'crontab at batch systemctl service launchctl schtasks sc reg regedit defaults pmset csrutil nvram sysctl useradd userdel usermod adduser passwd chpasswd groupadd mount umount iptables ufw nft netsh setx',
    ),
    'changes settings of this computer',
  ],
  [words('kill killall pkill xkill taskkill'), 'ends other programs'],
  [words('rm rmdir unlink del erase rd truncate dd remove-item ri'), 'deletes or overwrites files'],
  [
    words('source \\. alias unalias function trap history export set shopt enable bind hash'),
    'changes what later commands mean',
  ],
  [words('iex invoke-expression'), 'runs text as a command'],
];

/** Programs that fetch and run packages: the subcommands that do. */
export const INSTALLERS: ReadonlyMap<string, RegExp> = new Map([
  ['npm', words('i install in add ci update up upgrade link exec x init create publish rebuild')],
  ['pnpm', words('i install add update up upgrade link exec dlx create publish')],
  ['yarn', words('install add up upgrade global dlx create link publish')],
  ['bun', words('install add i update x create publish')],
  ['pip', words('install download')],
  ['pip3', words('install download')],
  ['uv', words('add sync pip tool')],
  ['poetry', words('install add update publish')],
  ['gem', words('install update push')],
  ['bundle', words('install update exec')],
  ['cargo', words('install add update publish')],
  ['go', words('install get')],
  ['composer', words('install require update')],
  ['brew', words('install upgrade uninstall tap')],
  ['apt', words('.*')],
  ['apt-get', words('.*')],
  ['yum', words('.*')],
  ['dnf', words('.*')],
  ['apk', words('.*')],
  ['pacman', words('.*')],
  ['snap', words('.*')],
  ['choco', words('.*')],
  ['winget', words('.*')],
  ['npx', words('.*')],
  ['pipx', words('.*')],
  ['uvx', words('.*')],
]);

/** Variables that make an ordinary program load or run something else. */
export const LOADED_VARIABLES =
  /^(LD_.*|DYLD_.*|GIT_.*|.*PAGER|.*EDITOR|VISUAL|BROWSER|PATH|IFS|ENV|BASH_ENV|SHELLOPTS|BASHOPTS|PS4|PROMPT_COMMAND|NODE_OPTIONS|NODE_PATH|PYTHON.*|PERL.*|RUBY.*|JAVA_TOOL_OPTIONS|npm_config_.*|SSH_.*|HOME|XDG_.*)$/;
