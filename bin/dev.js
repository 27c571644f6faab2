#!/usr/bin/env node
// `roots` straight from its sources, without a build: slower to start.
import { fileURLToPath } from 'node:url';
import { register } from 'tsx/esm/api';

register();
globalThis.oclif = { ...globalThis.oclif, enableAutoTranspile: false };
const { cli } = await import('./cli.js');
await cli({ root: fileURLToPath(new URL('../src/', import.meta.url)) });
