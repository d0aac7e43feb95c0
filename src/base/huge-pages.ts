/**
 * Environment for a process that holds a model: asks glibc (2.35 or newer) to back large allocations with huge pages.
 * A decode step reads every weight once, and with 4 KiB pages much of that time goes into looking up addresses.
 * Other C libraries and systems ignore it.
 */
export function withHugePages(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const tunables = [env.GLIBC_TUNABLES, 'glibc.malloc.hugetlb=1'].filter(Boolean).join(':');
  return { ...env, GLIBC_TUNABLES: tunables };
}
