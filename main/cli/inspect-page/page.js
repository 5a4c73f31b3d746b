/**
 * The page's life: it reads the inspection that stands in the page, and draws the charts for what is selected.
 *
 * @typedef {import('../../../shared/inspection.ts').ModelInspection} ModelInspection
 * @typedef {import('../../../shared/inspection.ts').MatrixInspection} MatrixInspection
 * @typedef {{ inspection: ModelInspection, outlierS: number, block: number, kind: string }} PageData
 */
import { percent, themeOf } from './chart-theme.js';
import { curveOption, layersOption, mapOption } from './charts.js';

/** @type {PageData} */
const data = JSON.parse(element('inspection').textContent);
const { model, matrices, sValues } = data.inspection;
const kinds = [...new Set(matrices.map((matrix) => matrix.kind))];
const state = { s: data.outlierS, block: data.block, kind: data.kind };
const prefersDark = matchMedia('(prefers-color-scheme: dark)');
const prefersStill = matchMedia('(prefers-reduced-motion: reduce)');
const charts = {
  curve: echarts.init(element('curve')),
  map: echarts.init(element('map')),
  layers: echarts.init(element('layers')),
};

/** @param {string} id */
function element(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no element #${id}`);
  return found;
}

/**
 * @param {MatrixInspection} matrix
 * @param {number} s
 */
function levelOf(matrix, s) {
  const level = matrix.levels.find((each) => each.s === s);
  if (level === undefined) throw new Error(`${matrix.name} was not inspected at S = ${s}`);
  return level;
}

function selectedMatrix() {
  const matrix = matrices.find((each) => each.block === state.block && each.kind === state.kind);
  if (matrix === undefined) throw new Error(`the model has no matrix ${state.kind} in layer ${state.block}`);
  return matrix;
}

/**
 * One radio button a value, named for assistive technology, moved through with the arrow keys.
 *
 * @param {string} id
 * @param {readonly (string | number)[]} values
 * @param {string | number} checked
 * @param {(value: string) => void} choose
 */
function addSegments(id, values, checked, choose) {
  for (const value of values) {
    const input = document.createElement('input');
    Object.assign(input, { type: 'radio', name: id, value: String(value), checked: value === checked });
    input.addEventListener('change', () => choose(input.value));
    const text = document.createElement('span');
    text.textContent = String(value);
    const label = document.createElement('label');
    label.append(input, text);
    element(id).append(label);
  }
}

/** Brings the selectors in line with the state, after a click into a chart or on a suggestion. */
function showSelection() {
  for (const input of document.querySelectorAll('input')) {
    input.checked = input.value === String(input.name === 's-values' ? state.s : state.kind);
  }
  const layer = element('layer');
  if (layer instanceof HTMLSelectElement) layer.value = String(state.block);
}

/** @param {Partial<typeof state>} change */
function select(change) {
  Object.assign(state, change);
  showSelection();
  draw();
}

/**
 * Shows the chart, or in its place why there is nothing to see and which S has something.
 *
 * @param {keyof typeof charts} id
 * @param {import('echarts').EChartsOption | undefined} option undefined where there are no outliers
 * @param {string} description what a screen reader says of the chart
 * @param {readonly MatrixInspection[]} shown
 */
function drawChart(id, option, description, shown) {
  const stage = element(id);
  const empty = element(`${id}-empty`);
  stage.hidden = option === undefined;
  empty.hidden = option !== undefined;
  stage.setAttribute('aria-label', description);
  if (option === undefined) {
    empty.replaceChildren(...emptyState(shown));
    return;
  }
  charts[id].resize();
  charts[id].setOption({ ...option, animation: !prefersStill.matches }, { notMerge: true });
}

/**
 * @param {readonly MatrixInspection[]} shown
 * @returns {HTMLElement[]}
 */
function emptyState(shown) {
  const largest = Math.max(...shown.map((each) => each.maxMagnitude / (each.meanMagnitude || 1)));
  const text = document.createElement('p');
  const where = shown.length === 1 ? 'This matrix' : 'This model';
  text.textContent = `${where} has no outliers at S = ${state.s}: its largest |w| is ${largest.toFixed(1)} × the mean.`;
  const lower = sValues.findLast((s) => s < state.s && shown.some((each) => levelOf(each, s).outliers > 0));
  if (lower === undefined) return [text];
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = `Show S = ${lower}`;
  button.addEventListener('click', () => {
    select({ s: lower });
    // The button is gone now; whoever uses the keyboard goes on at the selector.
    const checked = document.querySelector('#s-values input:checked');
    if (checked instanceof HTMLElement) checked.focus();
  });
  return [text, button];
}

/**
 * @param {string} name
 * @param {string} value
 * @param {string} note
 */
function figure(name, value, note) {
  const term = document.createElement('dt');
  term.textContent = name;
  const small = document.createElement('small');
  small.textContent = ` ${note}`;
  const description = document.createElement('dd');
  description.append(value, small);
  const group = document.createElement('div');
  group.append(term, description);
  return group;
}

function draw() {
  const theme = themeOf(prefersDark.matches);
  const matrix = selectedMatrix();
  const level = levelOf(matrix, state.s);
  const name = `layer ${matrix.block}, ${matrix.kind}`;
  const shareTop = level.topShares.at(-1) ?? 0;
  const none = level.outliers === 0;

  element('figures').replaceChildren(
    figure(
      `Outlier ratio of ${name}`,
      percent(level.ratio),
      `${level.outliers.toLocaleString('en-US')} ${level.outliers === 1 ? 'weight' : 'weights'}`,
    ),
    figure('Columns with outliers', String(level.columnsWithAny), `of ${matrix.columns}`),
    figure(
      'In the top 10 % of columns',
      none ? '–' : percent(shareTop),
      none ? 'no outliers' : 'of the outliers',
    ),
    figure(
      'Largest |w|',
      `${(matrix.maxMagnitude / (matrix.meanMagnitude || 1)).toFixed(1)} ×`,
      'the mean |w|',
    ),
  );
  element('curve-about').textContent =
    `${matrix.name}, ${matrix.rows} rows × ${matrix.columns} columns, at S = ${state.s}.`;
  const byTie = level.top.outliers.filter((outliers) => outliers === 0).length;
  element('map-about').textContent =
    `${level.top.columns.length} columns of ${matrix.columns}` +
    (byTie === 0
      ? '; each has outliers.'
      : `; ${byTie} of them have no outlier and stand there by the tie rule.`);

  drawChart(
    'curve',
    none ? undefined : curveOption(matrix, level, theme),
    `Sorted outlier ratio of the columns of ${name}: from ${percent((level.curve.outliers[0] ?? 0) / matrix.rows)} down; ` +
      `${level.columnsWithAny} of ${matrix.columns} columns have outliers.`,
    [matrix],
  );
  drawChart(
    'map',
    none ? undefined : mapOption(matrix, level, theme),
    `Positions of the top columns of ${name}: the first is column ${level.top.columns[0] ?? 0}.`,
    [matrix],
  );
  const anywhere = matrices.some((each) => levelOf(each, state.s).outliers > 0);
  drawChart(
    'layers',
    anywhere ? layersOption(matrices, kinds, state.s, matrix, theme) : undefined,
    `Outlier ratio of each matrix of ${model.blocks} layers at S = ${state.s}.`,
    matrices,
  );
}

const weights = matrices.reduce((sum, matrix) => sum + matrix.rows * matrix.columns, 0);
element('about').textContent =
  `${model.family}, ${model.blocks} layers of ${kinds.length} matrices, ${weights.toLocaleString('en-US')} weights in them`;
addSegments('s-values', sValues, state.s, (value) => select({ s: Number(value) }));
addSegments('kinds', kinds, state.kind, (value) => select({ kind: value }));
for (let block = 0; block < model.blocks; block++) element('layer').append(new Option(String(block)));
element('layer').addEventListener('change', ({ target }) => {
  if (target instanceof HTMLSelectElement) select({ block: Number(target.value) });
});
charts.layers.on('click', ({ seriesIndex, dataIndex }) => {
  const matrix = seriesIndex === 1 ? matrices[dataIndex] : undefined;
  if (matrix !== undefined) select({ block: matrix.block, kind: matrix.kind });
});
new ResizeObserver(() => Object.values(charts).forEach((chart) => chart.resize())).observe(document.body);
prefersDark.addEventListener('change', draw);
showSelection();
draw();
