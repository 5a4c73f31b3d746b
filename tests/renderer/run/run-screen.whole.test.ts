import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunState, runIdSchema } from '../../../shared/runs.ts';
import { someRun } from '../fake-library.ts';
import { type OpenedPage, type Window, axeFindings, openWindow } from './open-page.ts';

let window: Window;
beforeAll(async () => {
  window = await openWindow();
});
afterAll(() => window.close());

/** The run that the fake service takes through its matrices. */
async function openRunning(theme: 'light' | 'dark' = 'light'): Promise<OpenedPage> {
  const opened = await window.open({ scenario: 'running', path: '/runs/20', theme });
  await opened.page.getByRole('grid', { name: /by layer and matrix/ }).waitFor();
  return opened;
}

async function openIn(state: RunState): Promise<OpenedPage> {
  return window.open({
    scenario: 'demo',
    path: '/runs/50',
    prepare: ({ state: known }) => {
      const [model] = known.models;
      if (model === undefined) throw new RangeError('there are no models');
      const run = { ...someRun(50, model, 'paused', 0), state };
      known.runs = [{ ...run, id: runIdSchema.parse(50) }, ...known.runs];
    },
  });
}

describe('a run that is watched', () => {
  it('fills the picture as matrices are done', async () => {
    const { page, service, faults, close } = await openRunning();
    const known = page.locator('[role=gridcell].known');
    const before = await known.count();
    expect(before).toBeGreaterThan(0);
    const done = (): number => service.state.runs.find(({ id }) => id === 20)?.matricesDone ?? 0;
    expect(before).toBeGreaterThanOrEqual(done() - 1);
    await expect.poll(() => known.count(), { timeout: 10_000 }).toBeGreaterThan(before + 2);
    // What is not done is shown as such, without a colour.
    const last = page.getByRole('gridcell', { name: 'Layer 29, down: not done yet' });
    expect(await last.getAttribute('style')).toBeNull();
    expect(faults).toEqual([]);
    await close();
  });

  it('says how far it is, how fast and how long', async () => {
    const { page, close } = await openRunning();
    const percent = page.getByText(/^\d+\.\d %$/).first();
    const before = await percent.innerText();
    await expect.poll(() => percent.innerText()).not.toBe(before);
    await page.getByText('2.00 matrices/s').first().waitFor();
    await page
      .getByRole('img', { name: /^Loss a weight by matrix, in the order of computation: q from/ })
      .waitFor();
    await page.getByRole('img', { name: /^Memory: \d.* now/ }).waitFor();
    await page
      .getByRole('log')
      .getByText(/^\w+ of block \d+: loss/)
      .last()
      .waitFor();
    await close();
  });

  it('leads through the picture by keyboard', async () => {
    const { page, close } = await openRunning();
    const first = page.locator('[data-block="0"][data-column="0"]');
    await first.focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowRight');
    const focused = page.locator('[role=gridcell]:focus');
    expect(await focused.getAttribute('aria-label')).toMatch(/^Layer 1, k: .* a weight$/);
    await page.keyboard.press('End');
    await page.keyboard.press('PageDown');
    expect(await focused.getAttribute('aria-label')).toBe('Layer 29, down: not done yet');
    // One cell of all is in the order of Tab.
    expect(await page.locator('[role=gridcell][tabindex="0"]').count()).toBe(1);
    await close();
  });

  it('shows another figure of the matrices, on another scale', async () => {
    const { page, close } = await openRunning();
    await page.getByLabel('Figure', { exact: true }).selectOption({ label: 'Stored bits' });
    await page.getByRole('gridcell', { name: 'Layer 0, q: 2.430 bits' }).waitFor();
    await page.getByText('bits a weight, linear scale').waitFor();
    await page.getByRole('radio', { name: 'Log' }).focus();
    await page.keyboard.press('Space');
    await page.getByText('bits a weight, logarithmic scale').waitFor();
    await close();
  });

  it('is paused, goes on and is cancelled, by keyboard', async () => {
    const { page, service, close } = await openRunning();
    const stateOf = (): string | undefined => service.state.runs.find(({ id }) => id === 20)?.state;
    const press = async (name: string): Promise<void> => {
      await page.getByRole('button', { name, exact: true }).first().focus();
      await page.keyboard.press('Enter');
    };
    await press('Pause');
    await page.getByText(/Resume goes on behind the last finished block/).waitFor();
    expect(stateOf()).toBe('paused');
    await press('Resume');
    await expect.poll(stateOf).toMatch(/queued|running/);
    await page.getByRole('main').getByRole('button', { name: 'Cancel', exact: true }).first().press('Enter');
    await expect.poll(stateOf).toBe('cancelled');
    await page.getByText(/deleting it gives the disk back/).waitFor();
    await close();
  });

  it('is told that the run was deleted elsewhere', async () => {
    const { page, service, close } = await openRunning();
    service.state.runEvents.send({ id: 20, event: { kind: 'deleted' } });
    await page.getByText('This run was deleted').waitFor();
    await close();
  });

  it.each(['light', 'dark'] as const)('has nothing that axe objects to: %s', async (theme) => {
    const { page, close } = await openRunning(theme);
    await page.getByRole('img', { name: /^Memory: \d.* now/ }).waitFor();
    expect(await axeFindings(page)).toEqual([]);
    await close();
  });
});

describe('a run in another state', () => {
  it.each<[RunState, string]>([
    ['queued', 'in the queue'],
    ['pausing', 'It stops behind the step that it is at. What a block has finished is kept.'],
    ['paused', 'The engine is free for other runs.'],
    ['interrupted', 'The program ended while this run was at work.'],
    ['failed', 'Once the cause is mended'],
    ['cancelled', 'deleting it gives the disk back'],
    ['cancelling', 'It stops behind the step that it is at.'],
  ])('says what it means: %s', async (state, words) => {
    const { page, close } = await openIn(state);
    await page.getByText(words).waitFor();
    expect(await axeFindings(page)).toEqual([]);
    await close();
  });

  it('shows what went wrong with a failed one', async () => {
    const { page, close } = await window.open({ scenario: 'demo', path: '/runs/3' });
    const alert = page.getByRole('alert');
    await alert.getByText('The disk is full').waitFor();
    await alert.getByText('free some space, then resume the run').waitFor();
    await close();
  });

  it('says that there is no such run', async () => {
    const { page, close } = await window.open({ scenario: 'demo', path: '/runs/999' });
    await page.getByRole('alert').getByText('There is no such run').waitFor();
    await close();
  });
});
