import { BCACHEFS_OWN } from '../backend-suite/bcachefs-own.ts';
import { ZFS_OWN } from '../backend-suite/zfs-own.ts';

/** By the kernel's module. */
export const OWN = { zfs: ZFS_OWN, bcachefs: BCACHEFS_OWN } as const;
