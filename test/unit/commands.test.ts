import { readdirSync } from 'node:fs';
import { Command } from '@oclif/core/command';
import { describe, expect, it } from 'vitest';

const folder = new URL('../../src/commands/', import.meta.url);
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));

describe.each(files)('the command in %s', (file) => {
  it('reads no argument from standard input: oclif would take a missing one from a pipe', async () => {
    const command = await load(file);
    for (const [name, argument] of Object.entries(command.args)) expect(argument, name).toMatchObject({ ignoreStdin: true });
  });

  it('can be asked for JSON, for help, and for another configuration', async () => {
    const command = await load(file);
    expect(command.enableJsonFlag).toBe(true);
    expect(command.summary).toMatch(/^[A-Z].*\.$/);
    expect(Object.keys(command.baseFlags)).toContain('config');
  });

  it('says what each of its flags and arguments is', async () => {
    const command = await load(file);
    for (const [name, flag] of Object.entries(command.flags ?? {})) expect(flag.summary, name).toMatch(/\.$/);
    for (const [name, argument] of Object.entries(command.args)) expect(argument.description, name).toMatch(/\.$/);
  });
});

async function load(file: string): Promise<Omit<typeof Command, 'flags'> & { readonly flags?: typeof Command.flags }> {
  const module = (await import(new URL(file, folder).href)) as { default: typeof Command };
  expect(module.default.prototype).toBeInstanceOf(Command);
  return module.default;
}
