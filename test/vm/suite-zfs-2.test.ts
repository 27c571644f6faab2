import { contractSuite } from './contract-suite.ts';

contractSuite('zfs', { number: 2, of: 2 });
