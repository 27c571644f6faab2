import path from 'node:path';
import { createNodeResolver, importX } from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

const NODE = {
  computing: [
    'node:assert',
    'node:buffer',
    'node:crypto',
    'node:events',
    'node:path',
    'node:stream',
    'node:string_decoder',
    'node:url',
    'node:util',
  ],
  files: ['node:fs', 'node:os'],
  processes: ['node:child_process', 'node:process', 'node:timers'],
};
const PLAIN = ['errors', 'byte-path'];

/**
 * The direction that data flows in (ARCHITECTURE.md): what each part of src/ may import besides itself; all else is an error. `types` are
 * for `import type` only, `process` names the members of `process` that it may use. Names are those that `partOf` gives.
 */
const PARTS = {
  errors: {},
  'byte-path': { packages: ['node:buffer'] },
  retention: { imports: ['errors'], packages: ['date-fns', '@date-fns/tz'] },
  diff: { imports: [...PLAIN, 'diff/tree'], packages: ['ignore', 'diff', ...NODE.computing] },
  // How a tree is read: the contract that system/tree-reader.ts fulfils, as backend.ts is that of the backends.
  'diff/tree': { imports: PLAIN, types: ['diff'] },
  lookup: { imports: [...PLAIN, 'diff', 'diff/tree'], packages: ['picomatch', ...NODE.computing] },
  boot: { imports: PLAIN, packages: NODE.computing },
  units: { imports: PLAIN, types: ['backend'], packages: NODE.computing },
  config: {
    imports: [...PLAIN, 'retention'],
    types: ['backend'],
    packages: ['toml-eslint-parser', 'valibot', 'fastest-levenshtein', ...NODE.computing, ...NODE.files],
    process: ['geteuid'],
  },
  system: {
    imports: [...PLAIN, 'system/run', 'diff/tree'],
    types: ['diff'],
    packages: [...NODE.computing, ...NODE.files, ...NODE.processes],
    process: ['pid', 'geteuid', 'getuid', 'getgid', 'kill', 'env', 'hrtime'],
  },
  'system/run': { imports: [...PLAIN, 'system'], packages: ['execa', 'node:os', ...NODE.computing, ...NODE.processes], process: ['env'] },
  'system/journal': { imports: ['errors'], types: ['system/run'], packages: ['node:fs'], process: ['env'] },
  backend: {
    imports: [...PLAIN, 'system', 'system/run', 'diff', 'diff/tree'],
    packages: ['valibot', 'date-fns', '@date-fns/tz', ...NODE.computing, ...NODE.files],
    process: ['pid', 'geteuid'],
  },
  'backend/*': {
    imports: [...PLAIN, 'backend', 'system', 'system/run', 'diff', 'diff/tree'],
    packages: ['valibot', ...NODE.computing, ...NODE.files],
    process: ['pid', 'geteuid'],
  },
  'backend/detect': {
    imports: [...PLAIN, 'backend', 'backend/*', 'system', 'system/run'],
    packages: [...NODE.computing, ...NODE.files],
  },
  operations: {
    imports: [
      ...PLAIN,
      'retention',
      'diff',
      'diff/tree',
      'lookup',
      'boot',
      'units',
      'config',
      'backend',
      'backend/detect',
      'system',
      'system/run',
      'system/journal',
    ],
    packages: ['date-fns', '@date-fns/tz', 'valibot', 'fastest-levenshtein', ...NODE.computing],
  },
  // It builds a machine, so it must make files.
  'operations/demo': {
    imports: [...PLAIN, 'operations', 'retention', 'config', 'backend', 'backend/detect', 'system', 'system/run'],
    packages: ['date-fns', '@date-fns/tz', ...NODE.computing, ...NODE.files],
    process: ['geteuid'],
  },
  ui: {
    imports: [...PLAIN, 'retention', 'diff'],
    types: ['operations', 'lookup', 'diff/tree', 'backend', 'system/journal'],
    packages: ['cli-table3', 'inquirer', 'date-fns', '@date-fns/tz', 'fastest-levenshtein', 'node:readline', 'node:tty', ...NODE.computing],
    process: 'all',
  },
  // It starts a program for what is shown, and nothing else does.
  'ui/pager': { packages: ['node:child_process', 'node:stream'], process: 'all' },
  'base-command': {
    imports: [...PLAIN, 'operations', 'operations/demo', 'ui', 'config', 'system/journal'],
    packages: ['@oclif/core', 'fastest-levenshtein', ...NODE.computing],
    process: 'all',
  },
  help: { imports: [...PLAIN, 'ui'], packages: ['@oclif/core', ...NODE.computing], process: 'all' },
  'policy-flags': { imports: ['errors', 'retention', 'config'], packages: ['@oclif/core'] },
  commands: {
    imports: [...PLAIN, 'operations', 'operations/demo', 'ui', 'ui/pager', 'base-command', 'config', 'policy-flags'],
    types: ['retention', 'diff'],
    packages: ['@oclif/core', ...NODE.computing],
    process: 'all',
  },
  hooks: { imports: [...PLAIN, 'ui', 'base-command'], packages: ['@oclif/core', 'fastest-levenshtein'], process: 'all' },
};

/** The part that a file of src/ belongs to, as a key of PARTS or, for a backend, `backend/NAME`; undefined outside src/. */
function partOf(file) {
  const segments = path.relative(path.join(import.meta.dirname, 'src'), file).split(path.sep);
  const [folder, entry = ''] = segments;
  if (folder === '..') return undefined;
  if (folder === 'system' && /^(?:run|journal)\.ts$/.test(entry)) return `system/${entry.replace(/\.ts$/, '')}`;
  if (folder === 'diff' && entry === 'tree.ts') return 'diff/tree';
  if (folder === 'ui' && entry === 'pager.ts') return 'ui/pager';
  if (folder === 'operations' && /^demo\b/.test(entry)) return 'operations/demo';
  if (folder === 'backend' && segments.length > 2) return `backend/${entry}`;
  if (folder === 'backend' && /^(?:detect|locate)\.ts$/.test(entry)) return 'backend/detect';
  return folder.replace(/\.ts$/, '');
}

const rulesOf = (part) => PARTS[part] ?? (part.startsWith('backend/') ? PARTS['backend/*'] : undefined);
const allows = (list, part) => list?.includes(part) || (part.startsWith('backend/') && !(part in PARTS) && list?.includes('backend/*'));

const layers = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      part: '{{from}} must not import {{to}}.',
      value: '{{from}} may import types only from {{to}}: use `import type`.',
      package: '{{from}} must not import {{to}}.',
      unknown: '{{from}} is no part of src/ that the linter knows: add it to PARTS in eslint.config.js.',
      computed: 'An import must name its module.',
      process: '{{from}} must not use process.{{to}}.',
    },
  },
  create(context) {
    const from = partOf(context.filename);
    const rules = from === undefined ? {} : rulesOf(from);
    if (from === undefined) return {};
    if (rules === undefined) return { Program: (node) => context.report({ node, messageId: 'unknown', data: { from } }) };

    const check = (node, source, isType) => {
      if (typeof source?.value !== 'string') return source && context.report({ node, messageId: 'computed' });
      const relative = source.value.startsWith('.');
      const to = relative ? partOf(path.resolve(path.dirname(context.filename), source.value)) : source.value;
      const report = (messageId) => context.report({ node: source, messageId, data: { from, to: to ?? source.value } });
      if (!relative) return rules.packages?.some((name) => to === name || to.startsWith(`${name}/`)) || report('package');
      if (to === from || (to !== undefined && allows(rules.imports, to))) return undefined;
      if (to === undefined || !allows(rules.types, to)) return report('part');
      return isType || report('value');
    };
    return {
      ImportDeclaration: (node) => void check(node, node.source, node.importKind === 'type'),
      ExportNamedDeclaration: (node) => void check(node, node.source, node.exportKind === 'type'),
      ExportAllDeclaration: (node) => void check(node, node.source, node.exportKind === 'type'),
      ImportExpression: (node) => void check(node, node.source, false),
      "Identifier[name='process']": (node) => {
        const member = node.parent.type === 'MemberExpression' && node.parent.object === node ? node.parent.property.name : undefined;
        const reference = context.sourceCode.getScope(node).references.find(({ identifier }) => identifier === node);
        const isGlobal = reference !== undefined && (reference.resolved?.defs.length ?? 0) === 0;
        if (!isGlobal || rules.process === 'all' || rules.process?.includes(member)) return;
        context.report({ node, messageId: 'process', data: { from, to: member ?? '*' } });
      },
    };
  },
};

/** Needs no types, so that its test can lint snippets. */
export const architecture = [
  {
    files: ['src/**/*.ts'],
    plugins: { roots: { rules: { layers } } },
    languageOptions: { parser: tseslint.parser },
    rules: { 'roots/layers': 'error' },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/ui/**', 'src/commands/**', 'src/base-command.ts'],
    rules: { 'no-console': 'error' },
  },
  {
    files: ['**/*.ts', '**/*.js', '**/*.mjs'],
    rules: {
      // Measured: the barrel costs 0.7 s of start-up.
      'no-restricted-imports': ['error', { paths: [{ name: 'date-fns', message: 'Import date-fns/NAME.' }] }],
    },
  },
];

export default tseslint.config(
  { ignores: ['dist/', 'coverage/', 'test/fixtures/**/*.js'] },
  ...architecture,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { 'import-x': importX },
    settings: {
      'import-x/resolver-next': [createNodeResolver({ extensions: ['.ts', '.js'] })],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
      'import-x/extensions': ['.ts', '.js'],
    },
    rules: {
      'import-x/no-cycle': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      // A callback of one line that returns nothing reads best as `() => done()`.
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // A number in a message cannot surprise anyone.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // A contract that promises a rejection is kept by `async`, with something to wait for or not.
      '@typescript-eslint/require-await': 'off',
      eqeqeq: 'error',
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // A test that reaches for what must be there should fail right there.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Scenes are made of closures that are written as methods.
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    files: ['**/*.js', '**/*.mjs'],
    extends: [tseslint.configs.base],
    rules: { eqeqeq: 'error', 'no-undef': 'off', 'no-unused-vars': 'error', 'prefer-const': 'error' },
  },
);
