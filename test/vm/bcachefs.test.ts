import { ownSuite } from './own-suite.ts';

ownSuite('bcachefs', 'bcachefs');
