import type { Backend, Location } from '../../src/backend/backend.ts';
import { openBackend } from '../../src/backend/detect.ts';
import { PrivateMountPool } from '../../src/system/private-mount.ts';
import { run } from '../../src/system/run.ts';

/** A backend with mounts of its own, for a location that is not that of the scene. */
export async function openAt(location: Location): Promise<{ readonly backend: Backend; close(): Promise<void> }> {
  const pool = new PrivateMountPool(run, 'write');
  try {
    const backend = await openBackend(location, { run, signal: new AbortController().signal, privateMounts: pool });
    return {
      backend,
      close: async () => {
        await backend.close();
        await pool.close();
      },
    };
  } catch (error) {
    await pool.close();
    throw error;
  }
}
