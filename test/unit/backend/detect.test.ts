import { expect, it } from 'vitest';
import { fromText } from '../../../src/byte-path.ts';
import { openBackend } from '../../../src/backend/detect.ts';
import { PrivateMountPool } from '../../../src/system/private-mount.ts';
import { run } from '../../../src/system/run.ts';

const services = { run, signal: new AbortController().signal, privateMounts: new PrivateMountPool(run, 'read') };

it('an archive that does not exist is `not-found`', async () => {
  await expect(
    openBackend({ backend: 'directory', live: null, blank: null, archive: fromText('/nonexistent') }, services),
  ).rejects.toMatchObject({ kind: 'not-found' });
  await expect(
    openBackend({ backend: 'directory', live: null, blank: null, archive: fromText('/etc/hostname') }, services),
  ).rejects.toMatchObject({ kind: 'not-found' });
});
