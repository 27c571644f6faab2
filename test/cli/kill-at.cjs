/**
 * Loaded before the program (`node --require`): ends it by SIGKILL at one of its steps, which are counted from the moment it takes the lock. A step is a call that
 * changes a filesystem, and the start of a program: then before it, while it runs, and after it has ended. ROOTS_KILL_AT is which; in
 * ROOTS_KILL_LOG each is noted, so that whoever counts sees what it was.
 */
const fs = require('node:fs');
const processes = require('node:child_process');

const { appendFileSync } = fs;
const at = Number(process.env.ROOTS_KILL_AT);
let steps = 0;
let armed = false;
/** One call of these may be made of others. */
let within = false;

function step(what) {
  if (!armed || within) return;
  steps += 1;
  within = true;
  appendFileSync(process.env.ROOTS_KILL_LOG, `${what}\n`);
  within = false;
  if (steps === at) process.kill(process.pid, 'SIGKILL');
}

for (const name of ['renameSync', 'writeFileSync', 'writeSync', 'fsyncSync', 'mkdirSync', 'rmSync', 'unlinkSync']) {
  const real = fs[name];
  fs[name] = (...args) => {
    step(name);
    const outer = within;
    within = true;
    try {
      return real(...args);
    } finally {
      within = outer;
    }
  };
}

const { spawn } = processes;
processes.spawn = (program, args, options) => {
  const what = [program, ...args].join(' ').slice(0, 200);
  if (program === 'flock') armed = true;
  step(`before ${what}`);
  const child = spawn(program, args, options);
  // It has begun, and nobody has seen its end.
  step(`while ${what}`);
  child.once('exit', () => step(`after ${what}`));
  return child;
};
