/**
 * TOML text → plain values, and where each key and value stands.
 *
 * The values are built here and not by the parser's own converter, which follows a key `__proto__` into Object.prototype.
 */
import { type AST, ParseError, parseTOML } from 'toml-eslint-parser';
import { printableText } from '../byte-path.ts';
import { messageOf } from '../errors.ts';
import type { Position, Problem } from './problem.ts';

/** An integer is a bigint, a float a number: `7` and `7.0` are not the same to us. */
export type Value = string | bigint | number | boolean | Date | readonly Value[] | Table;

/** Without a prototype, so that no key is special. */
export interface Table {
  readonly [key: string]: Value;
}

export type KeyPath = readonly string[];

export interface Document {
  readonly root: Table;
  /** Of the key, or of where a table is first named. */
  keyAt(path: KeyPath): Position;
  valueAt(path: KeyPath): Position;
}

/** The document, or why it is not TOML. */
export function readDocument(text: string): Document | Problem {
  const source = text.startsWith('\ufeff') ? text.slice(1) : text;
  const lines = source.split('\n');
  try {
    return new Builder(lines).build(parseTOML(source, { tomlVersion: '1.1.0' }));
  } catch (error) {
    return syntaxProblem(error, lines);
  }
}

export function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** No key of ours is this deep: what lies deeper is below a key that is refused, and long paths cost time. */
const MAX_DEPTH = 5;

type MutableTable = Record<string, Value>;

type KeyPart = AST.TOMLBare | AST.TOMLQuoted;

class Builder {
  readonly #lines: readonly string[];
  readonly #keys = new Map<string, Position>();
  readonly #values = new Map<string, Position>();

  constructor(lines: readonly string[]) {
    this.#lines = lines;
  }

  build(program: AST.TOMLProgram): Document {
    const root = emptyTable();
    for (const node of program.body[0].body) {
      if (node.type === 'TOMLKeyValue') this.#addKeyValue(root, [], node);
      else this.#addTable(root, node);
    }
    return {
      root,
      keyAt: (path) => this.#find(this.#keys, path),
      valueAt: (path) => this.#find(this.#values, path),
    };
  }

  #addTable(root: MutableTable, node: AST.TOMLTable): void {
    const parts = node.key.keys;
    const path = parts.map(nameOf);
    if (node.kind === 'standard') {
      const table = this.#descend(root, [], parts);
      for (const pair of node.body) if (table !== undefined) this.#addKeyValue(table, path, pair);
      return;
    }
    // No key of ours is an array of tables; an empty array is enough to say so.
    const last = parts.at(-1);
    const parent = this.#descend(root, [], parts.slice(0, -1));
    if (parent !== undefined && last !== undefined) this.#set(parent, path, last, last, []);
  }

  #addKeyValue(table: MutableTable, path: KeyPath, node: AST.TOMLKeyValue): void {
    const parts = node.key.keys;
    const last = parts.at(-1);
    if (path.length >= MAX_DEPTH) return;
    const parent = this.#descend(table, path, parts.slice(0, -1));
    if (parent === undefined || last === undefined) return;
    const full = [...path, ...parts.map(nameOf)];
    this.#set(parent, full, last, node.value, this.#valueOf(node.value, full));
  }

  /** The table at the end of `parts`, made where it is missing; undefined inside an array of tables, or too deep to matter. */
  #descend(table: MutableTable, base: KeyPath, parts: readonly KeyPart[]): MutableTable | undefined {
    let current = table;
    const path = [...base];
    for (const part of parts) {
      if (path.length >= MAX_DEPTH) return undefined;
      const name = nameOf(part);
      path.push(name);
      const existing = current[name];
      if (existing !== undefined && !isTable(existing)) return undefined;
      const next: MutableTable = existing ?? emptyTable();
      if (existing === undefined) this.#set(current, path, part, part, next);
      current = next;
    }
    return current;
  }

  #set(table: MutableTable, path: KeyPath, key: KeyPart, at: AST.TOMLNode, value: Value): void {
    const name = nameOf(key);
    if (table[name] !== undefined) return;
    table[name] = value;
    this.#keys.set(idOf(path), this.#positionOf(key));
    this.#values.set(idOf(path), this.#positionOf(at));
  }

  #valueOf(node: AST.TOMLContentNode, path: KeyPath): Value {
    switch (node.type) {
      case 'TOMLArray':
        return node.elements.map((element) => this.#valueOf(element, path));
      case 'TOMLInlineTable': {
        const table = emptyTable();
        for (const pair of node.body) this.#addKeyValue(table, path, pair);
        return table;
      }
      case 'TOMLValue':
        return node.kind === 'integer' ? node.bigint : node.value;
    }
  }

  #positionOf(node: AST.TOMLNode): Position {
    return position(this.#lines, node.loc.start.line, node.loc.start.column);
  }

  #find(positions: ReadonlyMap<string, Position>, path: KeyPath): Position {
    return positions.get(idOf(path)) ?? { line: 1, column: 1 };
  }
}

function syntaxProblem(error: unknown, lines: readonly string[]): Problem {
  if (error instanceof ParseError) {
    return { at: position(lines, error.lineNumber, error.column), message: `not valid TOML: ${printableText(messageOf(error))}` };
  }
  // The parser is recursive: thousands of nested brackets end its stack.
  if (error instanceof RangeError) return { at: { line: 1, column: 1 }, message: 'not a configuration: it is nested too deeply' };
  throw error;
}

/** The parser counts columns from 0 and in UTF-16 units; people count characters from 1. */
function position(lines: readonly string[], line: number, column: number): Position {
  const before = (lines[line - 1] ?? '').slice(0, column);
  return { line, column: Array.from(before).length + 1 };
}

function nameOf(part: KeyPart): string {
  return part.type === 'TOMLBare' ? part.name : part.value;
}

function emptyTable(): MutableTable {
  return Object.create(null) as MutableTable;
}

function idOf(path: KeyPath): string {
  return JSON.stringify(path);
}
