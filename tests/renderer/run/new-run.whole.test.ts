import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { plannedSize } from '../../../renderer/run/planned-size.ts';
import { readableBytes } from '../../../shared/readable-quantities.ts';
import { PREFLIGHT } from '../fake-machine.ts';
import { type OpenedPage, type Window, axeFindings, openWindow } from './open-page.ts';

let window: Window;
beforeAll(async () => {
  window = await openWindow();
});
afterAll(() => window.close());

async function openForm(options: Partial<Parameters<Window['open']>[0]> = {}): Promise<OpenedPage> {
  const opened = await window.open({ scenario: 'demo', path: '/models/2/run', ...options });
  await opened.page.getByText('What it will take').waitFor();
  return opened;
}

/** Label of the field that has the focus. */
async function focusedLabel(page: Page): Promise<string> {
  const id = await page.locator('input:focus').getAttribute('id');
  return page.locator(`label[for="${id ?? ''}"]`).innerText();
}

describe('the form of a new run', () => {
  it('begins with the choices of the model’s last run, and says so', async () => {
    const { page, close } = await openForm();
    expect(await page.getByText('Filled in as in').innerText()).toBe('Filled in as in run 7.');
    expect(await page.getByLabel('Or another number').inputValue()).toBe('3.12');
    await close();
  });

  it('shows at once what bits come to, chosen by keyboard or typed', async () => {
    const { page, service, close } = await openForm();
    const model = service.state.models.find(({ id }) => id === 2);
    if (model === undefined) throw new RangeError('there is no model 2');
    const figures = page.locator('dl').first();
    const shown = async (bits: number): Promise<void> => {
      const size = plannedSize(model.description, { method: 'claq', budget: { bits } });
      await expect
        .poll(async () => (await figures.innerText()).replaceAll(/\s+/g, ' '))
        .toMatch(
          new RegExp(
            `^Nominal ${size.nominalBits.toFixed(2)} bits .* Stored, at most ${size.storedBits.toFixed(2)} bits .* Packed, at most ${readableBytes(size.packedBytes)} `,
          ),
        );
    };
    await shown(3.12);
    await page.getByRole('radio', { name: '3.12' }).focus();
    await page.keyboard.press('ArrowRight');
    await shown(3.23);
    await page.getByLabel('Or another number').fill('2.7');
    await shown(2.7);
    expect(
      await page.getByRole('group', { name: 'Bits a weight' }).getByRole('radio', { checked: true }).count(),
    ).toBe(0);
    await close();
  });

  it('says at the field what is wrong, and leads there instead of starting', async () => {
    const { page, service, close } = await openForm();
    const before = service.state.runs.length;
    const segments = page.getByLabel('Calibration segments');
    await segments.fill('0');
    await page.getByText('At least 1', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Quantize' }).click();
    expect(await focusedLabel(page)).toBe('Calibration segments');

    await segments.fill('many');
    await page.getByRole('button', { name: 'Quantize' }).click();
    expect(await segments.getAttribute('aria-invalid')).toBe('true');
    expect(service.state.runs).toHaveLength(before);
    await close();
  });

  it('unfolds the part in which a field is wrong', async () => {
    const { page, close } = await openForm();
    await page.getByText('Advanced').click();
    await page.getByLabel('Damping').fill('2');
    await page.getByText('Advanced').click();
    await page.getByRole('button', { name: 'Quantize' }).click();
    await page.getByText('At most 1', { exact: true }).waitFor();
    expect(await focusedLabel(page)).toBe('Damping');
    await close();
  });

  it('leads from CLAQ+ to the sensitivity of the matrices, and waits meanwhile as it is', async () => {
    const { page, faults, close } = await openForm();
    await page.getByRole('radio', { name: /^CLAQ\+/ }).check();
    await page.getByText('Advanced').click();
    await page.getByLabel('Damping').fill('0.02');
    await page.getByRole('button', { name: 'Sensitivity of each matrix' }).press('Enter');
    await page.waitForURL(/\/models\/2\/inspect\?map=sensitivity$/);
    await page.getByRole('button', { name: 'Measure sensitivity' }).waitFor();
    await page.getByRole('link', { name: 'Quantize' }).press('Enter');
    await page.getByText('What it will take').waitFor();
    expect(await page.getByRole('radio', { name: /^CLAQ\+/ }).isChecked()).toBe(true);
    await page.getByText('Advanced').click();
    expect(await page.getByLabel('Damping').inputValue()).toBe('0.02');
    expect(faults).toEqual([]);
    await close();
  });

  it('shows what the run will take, with the figures behind it', async () => {
    const { page, close } = await openForm();
    await page.getByText('about 48 s').waitFor();
    expect(await page.getByText('128 segments x 512 tokens x 704 x 4 bytes').isVisible()).toBe(false);
    await page.locator('summary', { hasText: 'Memory' }).focus();
    await page.keyboard.press('Enter');
    await page.getByText('128 segments x 512 tokens x 704 x 4 bytes').waitFor();
    await page.getByText('890 MB of 41.2 GB free').waitFor();
    await close();
  });

  it('does not start what the machine cannot carry', async () => {
    const text = 'Memory does not suffice.';
    const { page, close } = await openForm({
      preflight: { ...PREFLIGHT, remarks: [{ severity: 'refuse', text }] },
    });
    await page.getByText(text).waitFor();
    expect(await page.getByRole('button', { name: 'Quantize' }).isDisabled()).toBe(true);
    await close();
  });

  it('starts the run that was asked for, by keyboard alone, and shows it', async () => {
    const { page, service, faults, close } = await openForm();
    await page.getByRole('radio', { name: 'Quick look' }).focus();
    await page.keyboard.press('Space');
    await page.getByRole('radio', { name: /^GPTQ/ }).focus();
    await page.keyboard.press('Space');
    await page.getByText('about 48 s').waitFor();
    await page.getByRole('button', { name: 'Quantize' }).focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/runs\/\d+$/);
    const [run] = service.state.runs;
    expect(run?.choices).toMatchObject({
      method: 'gptq',
      budget: { bits: 3 },
      calibration: { segments: 8, segmentLength: 512 },
      evaluation: { windows: 4 },
    });
    expect(page.url()).toContain(`/runs/${run?.id ?? ''}`);
    expect(faults).toEqual([]);
    await close();
  });

  it.each(['light', 'dark'] as const)('has nothing that axe objects to: %s', async (theme) => {
    const { page, close } = await openForm({ theme });
    await page.getByText('about 48 s').waitFor();
    await page.getByText('Advanced').click();
    await page.getByLabel('Threads').fill('0');
    expect(await axeFindings(page)).toEqual([]);
    await close();
  });
});
