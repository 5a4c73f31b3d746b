import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT, say } from './project.mjs';

/** Outside node_modules, which npm removes. */
const LOCK = join(ROOT, 'build', 'setup.lock');
const POLL_MILLISECONDS = 200;

/** Runs `work` while no other process of this project sets up. A lock whose owner is gone is taken over. */
export async function withSetupLock(work) {
  mkdirSync(dirname(LOCK), { recursive: true });
  let told = false;
  while (!take()) {
    if (!told) say('Waiting for another set-up of this project to end ...');
    told = true;
    await sleep(POLL_MILLISECONDS);
  }
  try {
    return await work();
  } finally {
    rmSync(LOCK, { force: true });
  }
}

function take() {
  try {
    writeFileSync(LOCK, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  if (!ownerLives()) rmSync(LOCK, { force: true });
  return false;
}

function ownerLives() {
  let owner;
  try {
    owner = Number(readFileSync(LOCK, 'utf8'));
  } catch {
    return true; // given back just now: ask again
  }
  if (owner === 0) return true; // made, but not yet written to
  try {
    process.kill(owner, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
