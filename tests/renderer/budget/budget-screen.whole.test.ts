import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareBudgets, decodeForetold } from '../../../shared/compare-budgets.ts';
import { readBudgetFile } from '../../../shared/budget-file.ts';
import { quantizeChoicesSchema } from '../../../shared/requests.ts';
import type { RunDetail } from '../../../shared/runs.ts';
import { foretoldBudget } from '../fake-statistics.ts';
import { someRun } from '../fake-library.ts';
import { type OpenedPage, type Window, axeFindings, openWindow } from '../run/open-page.ts';
import { type BudgetPage, choose, figures, openBudgetPage, press, savedAs, shows } from './budget-page.ts';

let window: Window;
beforeAll(async () => {
  window = await openWindow();
});
afterAll(() => window.close());

const openBudget = (options?: BudgetPage): Promise<OpenedPage> => openBudgetPage(window, options);

describe('the budget of a model', () => {
  it('follows sliders that are moved by the keyboard, and numbers that are typed', async () => {
    const { page, service, faults, close } = await openBudget();
    await shows(page, { budget: { bits: 2.12 } }, service);
    expect(await figures(page, 'What it comes to')).toContain('Nominal 2.12 bits');

    await press(page, 'Average width', 'ArrowRight', 'ArrowRight');
    await shows(page, { budget: { apAverage: 2.07, apWidths: [2, 4], orShares: [1.4, 0.4] } }, service);
    await press(page, 'Kept in the head', 'Home');
    await shows(page, { budget: { apAverage: 2.07, apWidths: [2, 4], orShares: [0, 0.4] } }, service);
    await page.getByLabel('Average width, as a number').fill('2.5');
    await shows(page, { budget: { apAverage: 2.5, apWidths: [2, 4], orShares: [0, 0.4] } }, service);
    await page.getByLabel('Wide columns').selectOption({ label: '3 bits' });
    await shows(page, { budget: { apAverage: 2.5, apWidths: [2, 3], orShares: [0, 0.4] } }, service);

    await press(page, 'S', 'End');
    expect(await page.getByLabel('S, as a number').inputValue()).toBe('32');
    await choose(page, 'Outlier Order');
    await shows(
      page,
      { budget: { apAverage: 2.5, apWidths: [2, 3], orShares: [0, 0.4] }, columnOrder: 'outlier' },
      service,
    );
    expect(faults).toEqual([]);
    await close();
  });

  it('has the paper’s settings, and the four ways', async () => {
    const { page, service, close } = await openBudget();
    await choose(page, '3.23');
    await shows(page, { budget: { bits: 3.23 } }, service);
    await choose(page, 'OR');
    await shows(page, { budget: { bits: 3, orShares: [2.6, 0.742857142857] } }, service);
    await choose(page, 'Single');
    await shows(page, { budget: { bits: 3 } }, service);
    expect(await figures(page, 'What it comes to')).toContain('Reserved entries 0 0 % of the weights');
    await press(page, 'Width', 'ArrowRight');
    await shows(page, { budget: { bits: 4 } }, service);
    expect(await page.getByRole('radio', { name: '4', exact: true }).isChecked()).toBe(true);
    await close();
  });

  it('hits a size, or says why not and takes the nearest', async () => {
    const { page, service, close } = await openBudget();
    await choose(page, 'Nominal');
    await page.getByLabel('At most, in bits').fill('2.5');
    await page.getByRole('button', { name: 'Hit this size' }).press('Enter');
    await page.getByText('Comes to 2.500 bits.').waitFor();
    await shows(page, { budget: { apAverage: 2.43, apWidths: [2, 4], orBits: 0.07 } }, service);

    await choose(page, 'OR’s shares');
    await page.getByLabel('At most, in bits').fill('1.5');
    await page.getByLabel('At most, in bits').press('Enter');
    await page.getByText('OR alone does not come to this size').waitFor();
    await page.getByRole('button', { name: 'Take 2.430 bits, the nearest' }).press('Enter');
    await shows(page, { budget: { apAverage: 2.43, apWidths: [2, 4] } }, service);
    await close();
  });

  it('has overrides, which are added, changed, moved and removed', async () => {
    const { page, service, close } = await openBudget();
    const first = { layers: '0', budget: { bits: 4 } };
    await page.getByRole('button', { name: 'Add', exact: true }).press('Enter');
    await shows(page, { budget: { bits: 2.12 }, overrides: [first] }, service);

    const layers = page.getByLabel('Layers', { exact: true });
    await layers.fill('0-9');
    await page.getByText('This model has layers from 0 to 5, the lower one first').waitFor();
    await shows(page, { budget: { bits: 2.12 }, overrides: [first] }, service);
    await layers.fill('0-1, 5');
    await page.getByRole('checkbox', { name: 'v', exact: true }).focus();
    await page.keyboard.press('Space');
    await page.getByLabel('Bits', { exact: true }).fill('3');
    const changed = { layers: '0-1,5', matrices: ['v'], budget: { bits: 3 } };
    await shows(page, { budget: { bits: 2.12 }, overrides: [changed] }, service);

    await page.getByRole('button', { name: 'Add', exact: true }).press('Enter');
    await page.getByRole('button', { name: 'Move override 2 up' }).press('Enter');
    await shows(page, { budget: { bits: 2.12 }, overrides: [first, changed] }, service);
    await page.getByText('2.12 (AP 2.05 of {2,4} + OR 0.07), 2 overrides').waitFor();
    await page.getByRole('button', { name: 'Remove override 1' }).press('Enter');
    await shows(page, { budget: { bits: 2.12 }, overrides: [changed] }, service);
    await close();
  });

  it('takes back and does again, a step a change', async () => {
    const { page, service, close } = await openBudget();
    const undo = page.getByRole('button', { name: 'Undo (Ctrl+Z)' });
    expect(await undo.isDisabled()).toBe(true);
    // A slider that is moved quickly is one step.
    await press(page, 'Average width', 'ArrowRight', 'ArrowRight', 'ArrowRight');
    await shows(page, { budget: { apAverage: 2.08, apWidths: [2, 4], orShares: [1.4, 0.4] } }, service);
    await page.keyboard.press('Control+z');
    await shows(page, { budget: { bits: 2.12 } }, service);
    await page.keyboard.press('Control+Shift+z');
    await shows(page, { budget: { apAverage: 2.08, apWidths: [2, 4], orShares: [1.4, 0.4] } }, service);
    await undo.press('Enter');
    await shows(page, { budget: { bits: 2.12 } }, service);
    expect(await undo.isDisabled()).toBe(true);
    await close();
  });

  it('is kept under a name, asks before one is overwritten, and comes back', async () => {
    const { page, service, close } = await openBudget();
    const openSaved = async (): Promise<void> => {
      await page.getByRole('button', { name: 'Saved budgets and files' }).press('Enter');
      await page.getByRole('menuitem', { name: 'Saved budgets…' }).press('Enter');
    };
    await openSaved();
    await page.getByLabel('Save this one as').fill('Small');
    await page.getByLabel('Save this one as').press('Enter');
    await page.getByRole('button', { name: 'Load Small' }).waitFor();
    await page.keyboard.press('Escape');

    await choose(page, '3.12');
    await openSaved();
    await page.getByLabel('Save this one as').fill('Small');
    await page.getByLabel('Save this one as').press('Enter');
    await page.getByText('It is 2.12, S 13, Benefit now.').waitFor();
    await page.getByRole('button', { name: 'Cancel' }).press('Enter');
    expect(service.state.budgets).toMatchObject([{ name: 'Small', choices: { budget: { bits: 2.12 } } }]);

    await page.getByRole('button', { name: 'Load Small' }).press('Enter');
    await shows(page, { budget: { bits: 2.12 } }, service);
    await openSaved();
    await page.getByRole('button', { name: 'Remove Small' }).press('Enter');
    await page.getByRole('button', { name: 'Remove', exact: true }).press('Enter');
    await page.getByText('None yet.').waitFor();
    expect(service.state.budgets).toEqual([]);
    await close();
  });

  it('is saved as a file that it is read from again', async () => {
    const { page, service, close } = await openBudget();
    await choose(page, '2.24');
    await page.getByRole('button', { name: 'Add', exact: true }).press('Enter');
    await page.getByRole('button', { name: 'Saved budgets and files' }).press('Enter');
    const download = page.waitForEvent('download');
    await page.getByRole('menuitem', { name: 'Save as a file' }).press('Enter');
    const file = await download;
    expect(file.suggestedFilename()).toBe('2.24-with-1-override.yaml');
    const text = await readFile(await file.path(), 'utf8');
    const choices = { budget: { bits: 2.24 }, overrides: [{ layers: '0', budget: { bits: 4 } }] };
    expect(readBudgetFile(text).choices).toEqual({ ...choices, outlierS: 13, columnOrder: 'benefit' });

    await choose(page, '4');
    await shows(page, { ...choices, budget: { bits: 4 } }, service);
    await page
      .getByLabel('Budget file')
      .setInputFiles({ name: 'kept.yaml', mimeType: 'text/yaml', buffer: Buffer.from(text) });
    await shows(page, choices, service);

    const far = text.replace(/layers: .*/, 'layers: 0-40');
    await page
      .getByLabel('Budget file')
      .setInputFiles({ name: 'far.yaml', mimeType: 'text/yaml', buffer: Buffer.from(far) });
    await page.getByText('A budget is for layers that the model does not have').waitFor();
    await page
      .getByLabel('Budget file')
      .setInputFiles({ name: 'no.yaml', mimeType: 'text/yaml', buffer: Buffer.from('bits: [') });
    await page.getByText('no.yaml, line 1').waitFor();
    await shows(page, choices, service);
    await close();
  });

  it('is taken from a file that is dropped on the window', async () => {
    const { page, service, close } = await openBudget();
    const dropped = await page.evaluateHandle(`(() => {
      const transfer = new DataTransfer();
      transfer.items.add(new File(['claq-budget: 1\\nbits: 3.12\\n'], 'dropped.yaml'));
      return transfer;
    })()`);
    await page.dispatchEvent('main', 'dragover', { dataTransfer: dropped });
    await page.dispatchEvent('main', 'drop', { dataTransfer: dropped });
    await shows(page, { budget: { bits: 3.12 } }, service);
    await close();
  });

  it('is analysed once, with a progress that can be cancelled; then its loss is foretold', async () => {
    const { page, close } = await openBudget();
    await page.getByRole('button', { name: 'Analyse' }).press('Enter');
    await page.getByRole('progressbar', { name: 'Analysing Demo model' }).waitFor();
    await page.getByRole('button', { name: 'Cancel the analysis' }).press('Enter');
    await page.getByRole('button', { name: 'Analyse' }).press('Enter');
    await page.getByRole('img', { name: /^Squared error of the weights against stored bits/ }).waitFor();

    const relative = async (): Promise<number> =>
      Number(/Relative ([\d.]+) %/.exec(await figures(page, 'Predicted loss'))?.[1]);
    await expect.poll(relative).toBeGreaterThan(0);
    const before = await relative();
    await choose(page, '3');
    await expect.poll(relative).toBeLessThan(before);
    await page.getByText('For S = 13', { exact: true }).waitFor();
    await press(page, 'S', 'ArrowLeft');
    await page.getByText('For S = 12.5', { exact: true }).waitFor();
    await close();
  });

  it('has runs on the same axes, and how their order agrees with what was foretold', async () => {
    const { page, service, close } = await openBudget({ isAnalysed: true });
    const { state } = service;
    const model = state.models.find(({ id }) => id === 1);
    if (model === undefined) throw new RangeError('there is no model 1');
    const complete = (id: number, choices: object, loss: number): RunDetail => {
      const run = someRun(id, model, 'complete');
      if (run.figures === null) throw new Error('a complete run has figures');
      const parsed = quantizeChoicesSchema.parse(choices);
      return { ...run, method: parsed.method, choices: parsed, figures: { ...run.figures, loss } };
    };
    // The less bits, the larger the loss; what is lost by another method is nothing to compare with.
    state.runs = [
      complete(91, { budget: { bits: 2 } }, 400),
      complete(92, { budget: { bits: 2.5 }, columnOrder: 'outlier' }, 300),
      complete(93, { budget: { bits: 4 }, columnOrder: 'benefit' }, 20),
      complete(94, { method: 'reference', budget: { bits: 3 } }, 5000),
    ];
    state.changes.send({ topic: 'runs' });
    await page.getByText('Rank correlation of predicted and true loss over 3 runs: 1.00.').waitFor();
    const rows = async (): Promise<string[][]> => {
      const [, csv] = await savedAs(page, 'the predicted losses', 'Figures as CSV');
      return csv
        .split('\r\n')
        .map((line) => line.split(','))
        .filter(([kind]) => kind === 'run');
    };
    expect((await rows()).map(([, name]) => name)).toEqual(['Run 91', 'Run 92', 'Run 93']);
    // A run that completes meanwhile, and upsets the order.
    state.runs = [...state.runs, complete(95, { budget: { bits: 2.1 } }, 1)];
    state.changes.send({ topic: 'runs' });
    await page.getByText(/over 4 runs: 0\.[0-9]+\./).waitFor();
    expect(await rows()).toHaveLength(4);
    await close();
  });

  it('saves the predicted losses as figures and as a picture', async () => {
    const { page, close } = await openBudget({ isAnalysed: true });
    await page
      .getByRole('img', { name: /this budget .* at 2\.\d\d stored bits; 9 settings of the paper/ })
      .waitFor();
    const save = (item: string) => savedAs(page, 'the predicted losses', item);
    const [csvName, csv] = await save('Figures as CSV');
    expect(csvName).toBe('Demo-model-2.12-predicted-loss.csv');
    const lines = csv.split('\r\n');
    expect(lines[0]).toBe('kind,name,stored_bits,loss');
    expect(lines.filter((line) => line.startsWith('preset,')).map((line) => line.split(',')[1])).toEqual([
      '2',
      '2.1',
      '2.12',
      '2.24',
      '2.5',
      '3',
      '3.12',
      '3.23',
      '4',
    ]);
    expect(lines.filter((line) => line.startsWith('current,'))).toHaveLength(1);
    const [svgName, svg] = await save('Picture as SVG');
    expect(svgName).toBe('Demo-model-2.12-predicted-loss.svg');
    expect(svg).toContain('Stored bits a weight');
    expect(svg).toContain('Squared error of the weights');
    const [pngName] = await save('Picture as PNG');
    expect(pngName).toBe('Demo-model-2.12-predicted-loss.png');
    await close();
  });

  it('is compared with the one that was kept', async () => {
    const { page, close } = await openBudget({ isAnalysed: true });
    await choose(page, 'Outlier Order');
    await choose(page, '2.1');
    await page.getByRole('button', { name: 'Keep this as A' }).press('Enter');
    await choose(page, '2.5');
    const compare = page.getByRole('region', { name: 'Compare' });
    const row = async (name: string): Promise<string> =>
      (await compare.getByRole('row', { name }).innerText()).replaceAll(/\s+/g, ' ');
    await expect.poll(() => row('Nominal bits')).toBe('Nominal bits 2.100 2.500 +19.0 %');
    expect(await row('Predicted loss')).toMatch(/^Predicted loss [\d,.]+ [\d,.]+ −[\d.]+ %$/);
    // Of 192 columns 10 are wide at 2.1 and 48 at 2.5; of down's 512 it is 26 and 128.
    await compare
      .getByRole('gridcell', { name: 'Layer 0, q: of 192 columns 38 wider, none narrower' })
      .waitFor();
    const file = (item: string) => savedAs(page, 'the columns that change', item);
    const [csvName, csv] = await file('Figures as CSV');
    expect(csvName).toBe('Demo-model-2.1-to-2.5-changed-widths.csv');
    expect(csv.split('\r\n').slice(0, 2)).toEqual([
      'layer,matrix,columns,wider,narrower,more_reserved,fewer_reserved',
      '0,q,192,38,0,0,0',
    ]);
    const [svgName, svg] = await file('Picture as SVG');
    expect(svgName).toBe('Demo-model-2.1-to-2.5-changed-widths.svg');
    expect(svg).toContain('>+38</text>');
    const [pngName] = await file('Picture as PNG');
    expect(pngName).toBe('Demo-model-2.1-to-2.5-changed-widths.png');

    const down = compare.getByRole('gridcell', {
      name: 'Layer 0, down: of 512 columns 102 wider, none narrower',
    });
    await down.click();
    await compare.getByRole('img', { name: /^Layer 0, down, column by column/ }).waitFor();
    await compare.getByRole('button', { name: 'Swap A and B' }).press('Enter');
    await expect.poll(() => row('Nominal bits')).toBe('Nominal bits 2.500 2.100 −16.0 %');
    await compare
      .getByRole('gridcell', { name: 'Layer 0, q: of 192 columns none wider, 38 narrower' })
      .waitFor();
    await close();
  });

  it('by benefit is compared as it is foretold, once the model is analysed', async () => {
    const { page, service, close } = await openBudget();
    await choose(page, '2.1');
    await page.getByRole('button', { name: 'Keep this as A' }).press('Enter');
    await choose(page, '2.5');
    const compare = page.getByRole('region', { name: 'Compare' });
    await compare.getByText(/An analysis of the columns foretells it/).waitFor();
    await page.getByText(/^As in the Outlier Order\. A run spends these bytes its own way/).waitFor();
    service.state.analysed.add(1);
    service.state.changes.send({ topic: 'statistics' });
    await compare.getByText(/this is foretold from the weights alone/).waitFor();
    const model = service.state.models.find(({ id }) => id === 1);
    if (model === undefined) throw new RangeError('there is no model 1');
    const [a, b] = [2.1, 2.5].map((bits) => {
      const told = foretoldBudget(service.state, model, { budget: { bits }, overrides: [] });
      if (told === null) throw new Error('the model is not analysed');
      return decodeForetold(model.description, told.columns);
    });
    if (a === undefined || b === undefined) throw new Error('nothing is foretold');
    const [q] = compareBudgets(model.description, a, b);
    expect(q?.wider).toBeGreaterThan(10);
    const cell = (wider: number): string =>
      `Layer 0, q: of 192 columns ${wider} wider, ${q?.narrower === 0 ? 'none' : String(q?.narrower)} narrower`;
    await compare.getByRole('gridcell', { name: cell(q?.wider ?? NaN) }).waitFor();
    // The columns of the budget itself too.
    const columns = page.getByRole('region', { name: 'Columns', exact: true });
    await columns.getByText('By benefit, as foretold from the weights alone.').waitFor();
    const told = foretoldBudget(service.state, model, { budget: { bits: 2.5 }, overrides: [] });
    const widths = new Set(told?.classes.matrices.flat().map(({ width }) => width));
    expect(widths).toEqual(new Set([2, 3]));
    await columns
      .getByText(/^3 bits: /)
      .first()
      .waitFor({ state: 'attached' });
    // Against the paper's order: what is foretold of one, and counted of the other.
    await choose(page, 'Outlier Order');
    await compare.getByText(/this is foretold from the weights alone/).waitFor();
    await compare
      .getByRole('gridcell', { name: /^Layer 0, q: of 192 columns \d+ wider, \d+ narrower$/ })
      .waitFor();
    await close();
  });

  it('goes to a new run, and comes from one and back', async () => {
    const { page, service, close } = await openBudget({ path: '/models/1/budget' });
    await page.getByRole('button', { name: 'Add', exact: true }).press('Enter');
    await page.getByRole('button', { name: 'New run with it' }).press('Enter');
    await page.waitForURL(/\/models\/1\/run$/);
    await page.getByText('Budget: 2.12 with 1 override').waitFor();
    await page.getByLabel('Calibration segments').fill('7');
    await page.getByRole('button', { name: 'Edit', exact: true }).press('Enter');
    await page.waitForURL(/\/models\/1\/budget\?for=run$/);
    await page.getByRole('button', { name: 'Add', exact: true }).press('Enter');
    await page.getByRole('button', { name: 'Use in the new run' }).press('Enter');
    await page.getByText('Budget: 2.12 with 2 overrides').waitFor();
    expect(await page.getByLabel('Calibration segments').inputValue()).toBe('7');
    await page.getByText('about 48 s').waitFor();
    await page.getByRole('button', { name: 'Quantize' }).press('Enter');
    await page.waitForURL(/\/runs\/\d+$/);
    expect(service.state.runs[0]?.choices).toMatchObject({
      budget: { bits: 2.12 },
      overrides: [
        { layers: '0', budget: { bits: 4 } },
        { layers: '0', budget: { bits: 4 } },
      ],
      outlierS: 13,
      columnOrder: 'benefit',
      calibration: { segments: 7 },
    });
    await close();
  });

  it.each(['light', 'dark'] as const)('has nothing that axe objects to: %s', async (theme) => {
    const { page, faults, close } = await openBudget({ theme, isAnalysed: true });
    await choose(page, 'Outlier Order');
    await page.getByRole('button', { name: 'Keep this as A' }).press('Enter');
    await choose(page, '2.24');
    await page.getByRole('button', { name: 'Add', exact: true }).press('Enter');
    await page.getByText('Bytes of each layer').press('Enter');
    await page.getByRole('gridcell').first().waitFor();
    expect(await axeFindings(page)).toEqual([]);
    await page.getByRole('button', { name: 'Saved budgets and files' }).press('Enter');
    await page.getByRole('menuitem', { name: 'Saved budgets…' }).press('Enter');
    await page.getByRole('dialog').waitFor();
    expect(await axeFindings(page)).toEqual([]);
    expect(faults).toEqual([]);
    await close();
  });
});
