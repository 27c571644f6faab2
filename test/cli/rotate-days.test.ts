/**
 * `roots rotate` over many days. When a subvolume was made is written by the kernel, whose clock is everybody's: so what btrfs-progs tell of it is changed
 * on its way, by a table. Everything else is real.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { requires } from '../support/requirements.ts';
import { tool } from '../support/scratch.ts';
import { eventsOf, inTrash, logOf, ls, namesOf, outcomes, targetOf } from './answers.ts';
import { closing } from './closing.ts';
import type { Rotation, Rotations } from './contracts.ts';
import { standIn } from './gate.ts';
import { roots, type Result } from './roots.ts';
import { GOES, GOES_TOO, STAYS, smallBtrfs, type SmallBtrfs } from './small-archives.ts';

const DAY = 86_400;

/** Programs run inside the private mount by nsenter(1). The UUID comes before the time in what both print. */
const REWRITE = (table: string): string => `case "$*" in
*dump-tree* | *"subvolume show"*) ;;
*) exec "$real" "$@" ;;
esac
out=$(mktemp) || exit
"$real" "$@" >"$out"
status=$?
awk '
  FILENAME == ARGV[1] { seconds[$1] = $2; text[$1] = $3 " " $4 " +0000"; next }
  /^\\t\\tuuid / || /^\\tUUID:/ { uuid = $2 }
  /^\\t\\totime / && (uuid in seconds) { print "\\t\\totime " seconds[uuid] ".0 (" text[uuid] ")"; next }
  /^\\tCreation time:/ && (uuid in seconds) { print "\\tCreation time: \\t\\t" text[uuid]; next }
  { print }
' '${table}' "$out"
rm "$out"
exit "$status"`;

requires.btrfs('roots rotate, day after day', () => {
  let archive: SmallBtrfs;
  let env: { readonly PATH: string };
  /** By UUID. */
  let ages: Map<string, number>;
  beforeEach(() => {
    archive = closing(smallBtrfs());
    ages = new Map();
    const table = join(archive.scratch, 'times');
    writeFileSync(table, '');
    env = { PATH: standIn(join(archive.scratch, 'bin'), 'nsenter', REWRITE(table)) };
  });

  const path = (name: string): string => join(archive.archive, name);
  const uuidOf = (name: string): string => /^\tUUID: \s+(\S+)$/m.exec(tool('btrfs', 'subvolume', 'show', path(name)))?.[1] ?? '';
  const slots = (): string[] => archive.names().filter((name) => ![GOES, GOES_TOO, STAYS].some((each) => each === name));
  /** By UUID. */
  const names = (): Map<string, string> => new Map(slots().map((name) => [uuidOf(name), name]));

  /** It is noon here, so that no test runs into the next day. */
  function config(rules: string): string {
    const offset = new Date().getUTCHours() - 12;
    const file = archive.config(rules);
    writeFileSync(file, `timezone = "Etc/GMT${offset < 0 ? '' : '+'}${String(offset)}"\n${readFileSync(file, 'utf8')}`);
    return file;
  }

  /** All that there is gets so many days older. */
  function pass(days: number): void {
    for (const name of slots()) {
      const uuid = uuidOf(name);
      ages.set(uuid, (ages.get(uuid) ?? 0) + days);
    }
    const lines = [...ages].map(([uuid, age]) => {
      const time = new Date(Math.floor(Date.now() / 1000 - age * DAY) * 1000);
      return `${uuid} ${String(time.getTime() / 1000)} ${time.toISOString().replace('T', ' ').slice(0, 19)}\n`;
    });
    writeFileSync(join(archive.scratch, 'times'), lines.join(''));
  }

  async function rotate(file: string): Promise<{ status: number | null; rotation: Rotation }> {
    const result = await roots(['rotate', '--yes', '--json', '--config', file], { env });
    expect([result.stdout, result.stderr]).toEqual([expect.stringContaining('"targets"'), '']);
    // What is new is of today.
    for (const uuid of names().keys()) if (!ages.has(uuid)) ages.set(uuid, 0);
    return { status: result.status, rotation: (result.json as Rotations).targets[0]! };
  }

  const slotOf = (age: number): string => ['today', 'yesterday'][age] ?? `${String(age)}daysago`;

  it('names each after its day, keeps the newest days and loses no other, with days left out', async () => {
    const file = config('rotate = { slots = 4 }');
    const made = new Map<string, number>();
    let day = 0;
    for (const gap of [0, 1, 1, 1, 3, 1, 2, 1, 9, 1, 1]) {
      day += gap;
      pass(gap);
      const { status, rotation } = await rotate(file);
      expect([day, status, rotation.stopped, rotation.taken]).toEqual([day, 0, null, 'today']);
      const now = names();
      for (const uuid of now.keys()) if (!made.has(uuid)) made.set(uuid, day);
      const newest = [...made].sort(([, a], [, b]) => b - a).slice(0, 4);
      const expected = Object.fromEntries(newest.map(([uuid, of]) => [uuid, slotOf(day - of)]));
      expect([day, Object.fromEntries(now)]).toEqual([day, expected]);
      // A second time of the same day.
      const again = await rotate(file);
      expect([day, again.rotation.taken, again.rotation.rename, again.rotation.remove, names()]).toEqual([day, null, [], [], now]);
    }
    expect(archive.names()).toEqual(expect.arrayContaining([GOES, GOES_TOO, STAYS]));
    const removed = eventsOf(logOf(archive)).filter((event) => event.startsWith('removed '));
    expect(removed).toHaveLength(made.size - 4);
  });

  it('puts right whatever names there are: of a run that was cut short, or of anybody', async () => {
    const file = config('rotate = { slots = 5 }');
    for (let day = 0; day < 4; day += 1) {
      pass(1);
      await rotate(file);
    }
    const before = names();
    renameSync(path('today'), path('.roots-rotating.x'));
    renameSync(path('3daysago'), path('today'));
    renameSync(path('yesterday'), path('7daysago'));
    renameSync(path('2daysago'), path('yesterday'));
    const { status, rotation } = await rotate(file);
    expect([status, rotation.taken, rotation.stopped]).toEqual([0, null, null]);
    expect(Object.fromEntries(names())).toEqual(Object.fromEntries(before));
  });

  it('leaves the name of what is pinned and of what is mounted, and takes neither away', async () => {
    const file = config('rotate = { slots = 2 }');
    await rotate(file);
    pass(1);
    await rotate(file);
    const [pinned, mounted] = [uuidOf('yesterday'), uuidOf('today')];
    expect((await roots(['pin', 'yesterday', '--config', file])).status).toBe(0);
    archive.image.mount({ subvolume: 'old_roots/today' }, join(archive.scratch, 'at'));
    for (const day of [1, 2, 3]) {
      pass(1);
      const { status, rotation } = await rotate(file);
      expect([day, status]).toEqual([day, 0]);
      expect([day, names().get(pinned), names().get(mounted)]).toEqual([day, 'yesterday', 'today']);
      expect(rotation.warnings).toEqual(
        expect.arrayContaining(['yesterday keeps its name: it is pinned', 'today keeps its name: it is mounted']),
      );
      expect(rotation.taken).toBe('today_1');
    }
    expect(slots()).toEqual(expect.arrayContaining(['today', 'today_1', 'yesterday', 'yesterday_1']));
    archive.image.unmount(join(archive.scratch, 'at'));
    expect((await roots(['unpin', 'yesterday', '--config', file])).status).toBe(0);
    // Until nobody else has a copy of the mount.
    const rotated = async (): Promise<string[]> => {
      await rotate(file);
      return slots();
    };
    await expect.poll(rotated, { timeout: 30_000, interval: 500 }).toEqual(['today', 'yesterday']);
  });

  it('puts what is beyond the slots into the trash where there is a grace, and says why', async () => {
    const file = config('rotate = { slots = 1 }\nprune = { grace = "1d" }');
    await rotate(file);
    const first = uuidOf('today');
    pass(1);
    const { rotation } = await rotate(file);
    expect(rotation.remove).toMatchObject([{ name: 'yesterday', reasons: ['beyond slots 1'], result: 'trashed' }]);
    expect(slots().filter((name) => !name.startsWith('.'))).toEqual(['today']);
    expect(inTrash(await ls(file))).toEqual(['yesterday']);
    expect(eventsOf(logOf(archive)).slice(-3)).toEqual(['trashing yesterday', 'trashed yesterday', 'rotate 0 1 0']);
    expect((await roots(['undelete', 'yesterday', '--pin', '--config', file], { env })).status).toBe(0);
    expect(uuidOf('yesterday')).toBe(first);
    await rotate(file);
    expect(slots()).toEqual(['today', 'yesterday']);
  });

  it('does not go by age: after a long pause nothing more is lost than the slots say', async () => {
    const file = config('rotate = { slots = 3 }');
    for (let day = 0; day < 3; day += 1) {
      pass(1);
      await rotate(file);
    }
    pass(200);
    await rotate(file);
    expect(slots()).toEqual(['200daysago', '201daysago', 'today']);
  });

  it('is no matter of prune: what it took is not counted for the floor, and does not go by age nor for space', async () => {
    const file = config('rotate = { slots = 3 }\nkeep = { last = 2 }');
    await rotate(file);
    pass(1);
    await rotate(file);
    pass(200);
    const prune = async (...flags: string[]): Promise<Result> => roots(['prune', '--json', '--config', file, ...flags], { env });
    for (const flags of [
      ['--max-age', '30d'],
      ['--keep-last', '1', '--min-free', '99%'],
    ]) {
      const plan = targetOf(await prune('--dry-run', ...flags));
      const going = [...namesOf(plan.remove), ...namesOf(plan.space?.ifNeeded ?? [])];
      expect([flags, going]).toEqual([flags, flags.includes('--min-free') ? [GOES, GOES_TOO] : []]);
      expect(plan.keep.filter(({ reasons }) => reasons.join() === 'slot').map(({ name }) => name)).toEqual(['today', 'yesterday']);
    }
    const result = await prune('--yes');
    expect([result.status, outcomes(result)]).toEqual([0, { [GOES]: 'removed' }]);
    expect(archive.names()).toEqual([GOES_TOO, STAYS, 'today', 'yesterday']);
  });

  it('gives its name to what is immutable too, which is read-only and immutable afterwards', async () => {
    const file = config('rotate = { slots = 3 }');
    await rotate(file);
    const uuid = uuidOf('today');
    const property = (value: string): string => tool('btrfs', 'property', 'set', '-ts', path('today'), 'ro', value);
    property('false');
    tool('chattr', '+i', path('today'));
    property('true');
    pass(1);
    const { status, rotation } = await rotate(file);
    expect([status, rotation.rename, rotation.taken]).toEqual([0, [{ from: 'today', to: 'yesterday', error: null }], 'today']);
    expect([slots(), uuidOf('yesterday')]).toEqual([['today', 'yesterday'], uuid]);
    expect(tool('btrfs', 'property', 'get', '-ts', path('yesterday'), 'ro').trim()).toBe('ro=true');
    expect(tool('lsattr', '-d', path('yesterday')).split(' ')[0]).toContain('i');
    expect(tool('lsattr', '-d', path('today')).split(' ')[0]).not.toContain('i');
  });
});
