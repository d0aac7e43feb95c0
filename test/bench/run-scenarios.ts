/** One scenario after another. What fails is told and named at the end; the others are still worth their time. */
import type { Figure, Plan, Scenario } from './plan.ts';
import { renderTable } from './report.ts';

export interface Outcome {
  figures: Figure[];
  /** By scenario, failed ones included. */
  seconds: Record<string, number>;
  /** Why a scenario has no figures. */
  failures: Record<string, string>;
}

export async function runScenarios(
  scenarios: Readonly<Record<string, Scenario>>,
  plan: Plan,
  print: (text: string) => void,
): Promise<Outcome> {
  const outcome: Outcome = { figures: [], seconds: {}, failures: {} };
  for (const [name, scenario] of Object.entries(scenarios)) {
    const startMs = performance.now();
    print(`\n${name}`);
    try {
      const figures = await scenario(plan, line => print(`  ${line}`));
      print(renderTable(figures));
      outcome.figures.push(...figures);
    } catch (error) {
      outcome.failures[name] = error instanceof Error ? error.message : String(error);
      print(`  failed: ${outcome.failures[name]}`);
    }
    outcome.seconds[name] = Math.round((performance.now() - startMs) / 1000);
    print(`\n${name} took ${outcome.seconds[name]} s`);
  }
  return outcome;
}
