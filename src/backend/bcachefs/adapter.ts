/**
 * Old roots on bcachefs. The contract is in ../backend.ts.
 */
import { RootsError } from '../../errors.ts';
import type { Backend, Capabilities, Location, Services } from '../backend.ts';

export type BcachefsLocation = Extract<Location, { backend: 'bcachefs' }>;

export const CAPABILITIES: Capabilities = {
  needsRoot: true,
  creationTime: false,
  stableIdentity: true,
  nestedTrees: true,
  exclusiveSize: false,
  snapshots: true,
  atOnce: 1,
  limitPerRun: 10,
};

export async function openBcachefs(location: BcachefsLocation, services: Services): Promise<Backend> {
  void services;
  return Promise.reject(new RootsError('unsupported', `${location.backend} is not supported by this version`));
}
