/** How much memory a comparison of a million files takes, all of its programs together. */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeBtrfsImage } from '../support/loop-image.ts';
import { tool, withScratch } from '../support/scratch.ts';
import { fill } from './diffs.ts';
import type { Row, Work } from './measure.ts';

export async function memory({ roots, folders }: { readonly roots: readonly string[]; readonly folders: number }): Promise<Row[]> {
  return withScratch(async ({ path }) => {
    const image = makeBtrfsImage({ sizeMiB: 8192, dir: path });
    try {
      const top = image.mount({ options: ['noatime'] }, join(path, 'top'));
      for (const name of ['full', 'empty']) tool('btrfs', 'subvolume', 'create', join(top, name));
      fill(join(top, 'full'), folders);
      mkdirSync(join(top, 'old_roots'));
      const old = join(top, 'old_roots/2026-11-01_10:00:00');
      tool('btrfs', 'subvolume', 'snapshot', join(top, 'full'), old);
      tool('btrfs', 'filesystem', 'sync', top);
      const diff = (name: string, blank: string, ...more: readonly string[]): Work => {
        const config = join(path, `${blank}.toml`);
        writeFileSync(config, `[targets.root]\ndevice = "${image.device}"\nblank = "${blank}"\narchive = "old_roots"\n`, { mode: 0o600 });
        return { name, command: [...roots, 'diff', 'latest', '--engine', 'walk', '--config', config, ...more] };
      };
      const works: Work[] = [
        { name: 'rsync -naHAXi --delete', command: ['rsync', '-naHAXi', '--delete', `${old}/`, `${join(top, 'full')}/`] },
        diff('roots diff --engine walk', 'full', '--summary'),
        diff('roots diff --engine walk, blank empty', 'empty', '--summary'),
        diff('the same, --recursive --ndjson', 'empty', '--recursive', '--ndjson'),
      ];
      const title = `memory of a comparison of ${String(folders * 100)} files (bar: 200 MB)`;
      const rows: Row[] = [];
      for (const { name, command } of works) {
        const peak = await peakOf(command);
        const first = rows[0]?.median;
        rows.push({
          title,
          name,
          unit: 'MB',
          median: peak,
          least: peak,
          most: peak,
          ratio: first === undefined ? null : peak / first,
          bar: null,
        });
      }
      return rows;
    } finally {
      image.close();
    }
  });
}

/** How often it is looked at. Milliseconds. */
const INTERVAL = 20;

/** Of a program and all that it starts, as far as it stays in its process group: the most at a time, in MB. What they share counts for each. */
async function peakOf([program = '', ...args]: readonly string[]): Promise<number> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let [peak, said] = [0, ''];
  child.stdout.resume();
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const timer = setInterval(() => (peak = Math.max(peak, residentIn(child.pid ?? 0))), INTERVAL);
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  clearInterval(timer);
  if (status !== 0) throw new Error(`${program} ended with ${String(status)}: ${said}`);
  return peak / 1e6;
}

/** Bytes of the processes of a group. */
function residentIn(group: number): number {
  let sum = 0;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      // proc_pid_stat(5): the name of a program, in brackets, may hold anything; pgrp is field 5, rss field 24, in pages.
      const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
        .replace(/^.*\) /s, '')
        .split(' ');
      if (Number(fields[2]) === group) sum += Number(fields[21]) * 4096;
    } catch {
      // It has ended.
    }
  }
  return sum;
}
