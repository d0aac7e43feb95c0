/**
 * What git runs because a repository's own configuration names it: a clone does not bring one along, an archive does. That git only
 * reads is no reason to let it do so unasked.
 */

/**
 * Keys whose value is a program, and files with more of them. `allow`: of a protocol, some of which are programs; objects that are
 * missing are fetched. `core.fsmonitor` is switched off where commands are started.
 */
const NAMES_PROGRAM =
  /\b(?:external|textconv|clean|smudge|process|program|driver|helper|allow|gitproxy|hookspath|uploadpack|\w*command)\s*=|\[\s*include/i;

export const namesPrograms = (config: string): boolean => NAMES_PROGRAM.test(config);
