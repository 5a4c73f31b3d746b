import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT, say } from './project.mjs';

/** One file a process, named by its id. Outside node_modules, which npm removes. */
const CLAIMS = join(ROOT, 'build', 'setup-claims');
const OWN_CLAIM = join(CLAIMS, String(process.pid));
const POLL_MILLISECONDS = 200;

/**
 * Runs `work` while no other process of this project sets up. A process claims first and looks around then, so of two
 * that claim at least one sees the other and steps back; a claim is never handed over, so that of a process that was
 * killed can be removed by anyone at any time.
 */
export async function withSetupLock(work) {
  mkdirSync(CLAIMS, { recursive: true });
  let told = false;
  while (!take()) {
    if (!told) say('Waiting for another set-up of this project to end ...');
    told = true;
    // Two that stepped back for each other shall not meet again.
    await sleep(POLL_MILLISECONDS * (0.5 + Math.random()));
  }
  try {
    return await work();
  } finally {
    rmSync(OWN_CLAIM, { force: true });
  }
}

function take() {
  if (othersClaim()) return false;
  writeFileSync(OWN_CLAIM, '');
  if (!othersClaim()) return true;
  rmSync(OWN_CLAIM, { force: true });
  return false;
}

/** Whether another living process has a claim; those of dead ones are cleared away. */
function othersClaim() {
  let claimed = false;
  for (const name of readdirSync(CLAIMS)) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) continue;
    if (lives(pid)) claimed = true;
    else rmSync(join(CLAIMS, name), { force: true });
  }
  return claimed;
}

function lives(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
