import { ownSuite } from './own-suite.ts';

ownSuite('ZFS', 'zfs');
