import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Battery, isLinuxDischarging, savesPower } from '../../../src/host/battery.ts';
import { settle } from '../../support/fake-clock.ts';
import { tempFolder } from '../../support/temp-folder.ts';

describe('host/battery', () => {
  const check = (what: string, supplies: Record<string, Record<string, string>>, expected: boolean) =>
    it(what, async () => {
      const folder = tempFolder();
      for (const [supply, files] of Object.entries(supplies)) {
        mkdirSync(join(folder, supply));
        for (const [file, text] of Object.entries(files))
          writeFileSync(join(folder, supply, file), `${text}\n`);
      }
      assert.equal(await isLinuxDischarging(folder), expected);
    });
  const mains = { type: 'Mains', online: '0' };
  check('a battery that discharges', { AC: mains, BAT0: { type: 'Battery', status: 'Discharging' } }, true);
  check('a battery that is charged', { BAT0: { type: 'Battery', status: 'Charging' } }, false);
  check(
    'a second battery',
    { A: { type: 'Battery', status: 'Full' }, B: { type: 'Battery', status: 'Discharging' } },
    true,
  );
  check(
    "a mouse's battery is not the machine's",
    { hid: { type: 'Battery', scope: 'Device', status: 'Discharging' } },
    false,
  );
  check('no battery', { AC: mains }, false);

  it('asks the system at most every half minute, and keeps what it knows where that fails', async () => {
    let [now, reads] = [0, 0];
    const battery = new Battery(
      async () => {
        if (++reads > 1) throw new Error('gone');
        return true;
      },
      () => now,
    );
    assert.equal(battery.isInUse, false);
    await settle();
    assert.equal(battery.isInUse, true);
    now = 30_000;
    assert.equal(battery.isInUse, true);
    await settle();
    assert.deepEqual([battery.isInUse, reads], [true, 2]);
  });

  it('is asked only where the setting leaves it to the system', async () => {
    const battery = new Battery(
      async () => true,
      () => 0,
    );
    assert.equal(savesPower({ savePower: 'off' }, battery), false);
    assert.equal(savesPower({ savePower: 'on' }, battery), true);
    void battery.isInUse;
    await settle();
    assert.equal(savesPower({ savePower: 'auto' }, battery), true);
    assert.equal(savesPower({ savePower: 'off' }, battery), false);
  });
});
