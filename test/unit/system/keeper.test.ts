import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { RootsError } from '../../../src/errors.ts';
import { HOLD, startKeeper, type KeeperFailure } from '../../../src/system/keeper.ts';
import { until } from '../../backend-suite/processes.ts';

const refused = ({ status, stderr }: KeeperFailure): RootsError => new RootsError('failed', `${String(status)}: ${stderr}`);

describe('a keeper', () => {
  it('holds until it is closed', async () => {
    const keeper = await startKeeper('sh', ['-c', HOLD], refused);
    expect(existsSync(`/proc/${String(keeper.pid)}`)).toBe(true);
    await keeper.close();
    expect(existsSync(`/proc/${String(keeper.pid)}`)).toBe(false);
    await keeper.close();
  });

  it('that does not get it says why', async () => {
    await expect(startKeeper('sh', ['-c', 'echo no >&2; exit 9'], refused)).rejects.toThrow('9: no');
    await expect(startKeeper('sh', ['-c', 'exit 0'], refused)).rejects.toThrow('0: ');
    await expect(startKeeper('roots-no-such-program', [], refused)).rejects.toMatchObject({ kind: 'unsupported' });
  });

  it('that was killed can still be closed', async () => {
    const keeper = await startKeeper('sh', ['-c', HOLD], refused);
    process.kill(keeper.pid, 'SIGKILL');
    await keeper.close();
    await until('it to be gone', () => !existsSync(`/proc/${String(keeper.pid)}`));
  });
});
