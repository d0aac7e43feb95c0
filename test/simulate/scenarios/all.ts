/** Every scenario, by what it is about. */
import type { Scenario } from '../scenario.ts';
import { ambiguous } from './ambiguous.ts';
import { brokenTools } from './broken-tools.ts';
import { cancellations } from './cancellations.ts';
import { edits } from './edits.ts';
import { failingTests } from './failing-tests.ts';
import { guidedInjections } from './guided-injections.ts';
import { hostile } from './hostile.ts';
import { injections } from './injections.ts';
import { longOutputs } from './long-outputs.ts';
import { renames } from './renames.ts';

export const SCENARIOS: Record<string, readonly Scenario[]> = {
  edits,
  'several files': renames,
  'a failing test': failingTests,
  'an ambiguous task': ambiguous,
  'a hostile repository': hostile,
  'broken tools': brokenTools,
  'long outputs': longOutputs,
  cancellations,
  injections,
  'injections into a led model': guidedInjections,
};
