import { contractSuite } from './contract-suite.ts';

contractSuite('zfs', { number: 1, of: 2 });
