/**
 * Old roots on zfs. The contract is in ../backend.ts.
 */
import { RootsError } from '../../errors.ts';
import type { Backend, Capabilities, Location, Services } from '../backend.ts';

export type ZfsLocation = Extract<Location, { backend: 'zfs' }>;

export const CAPABILITIES: Capabilities = {
  needsRoot: false,
  creationTime: true,
  stableIdentity: true,
  nestedTrees: true,
  exclusiveSize: true,
  snapshots: true,
  atOnce: 1,
  limitPerRun: null,
};

export async function openZfs(location: ZfsLocation, services: Services): Promise<Backend> {
  void services;
  return Promise.reject(new RootsError('unsupported', `${location.backend} is not supported by this version`));
}
