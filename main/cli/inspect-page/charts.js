/**
 * The three pictures as ECharts options, from the data alone. Plain JavaScript, because a browser runs it as it stands
 * here; the types are checked all the same.
 *
 * @typedef {import('echarts').EChartsOption} EChartsOption
 * @typedef {import('../../../shared/inspection.ts').MatrixInspection} MatrixInspection
 * @typedef {import('../../../shared/inspection.ts').OutlierLevel} OutlierLevel
 * @typedef {import('./chart-theme.js').Theme} Theme
 */
import { axis, base, countAxis, percent } from './chart-theme.js';

/**
 * Picture 1: outlier ratio of the columns in Outlier Order.
 *
 * @param {MatrixInspection} matrix
 * @param {OutlierLevel} level
 * @param {Theme} theme
 * @returns {EChartsOption}
 */
export function curveOption(matrix, level, theme) {
  const points = level.curve.ranks.map((rank, index) => [
    rank + 1,
    ((level.curve.outliers[index] ?? 0) / matrix.rows) * 100,
  ]);
  return {
    ...base(theme),
    grid: { left: 62, right: 18, top: 26, bottom: 48 },
    xAxis: {
      ...countAxis(theme, 'Rank of the column in Outlier Order', 30),
      type: 'value',
      min: 1,
      max: matrix.columns,
      splitLine: { show: false },
    },
    yAxis: {
      ...axis(theme, 'Outlier ratio of the column (%)', 44),
      type: 'value',
      min: 0,
      axisLine: { show: false },
      axisTick: { show: false },
    },
    tooltip: {
      ...base(theme).tooltip,
      trigger: 'axis',
      axisPointer: { lineStyle: { color: theme.muted } },
      formatter: (items) => {
        const [item] = Array.isArray(items) ? items : [items];
        const [rank = 0, ratio = 0] = numbers(item?.value);
        return `Column of rank ${rank} of ${matrix.columns}\nOutlier ratio ${percent(ratio / 100)}`;
      },
    },
    series: [
      {
        type: 'line',
        data: points,
        showSymbol: false,
        lineStyle: { color: theme.accent, width: 2 },
        itemStyle: { color: theme.accent },
        areaStyle: { color: theme.accent, opacity: 0.13 },
        markArea: {
          silent: true,
          itemStyle: { color: theme.muted, opacity: 0.09 },
          label: { color: theme.muted, fontSize: 11.5, position: 'top', distance: 6 },
          data: [[{ name: 'top 10 %', xAxis: 1 }, { xAxis: level.top.columns.length }]],
        },
      },
    ],
  };
}

/**
 * Picture 2: the matrix seen from above, its top columns as stripes.
 *
 * @param {MatrixInspection} matrix
 * @param {OutlierLevel} level
 * @param {Theme} theme
 * @returns {EChartsOption}
 */
export function mapOption(matrix, level, theme) {
  const stripes = level.top.columns.map((column, rank) => {
    const outliers = level.top.outliers[rank] ?? 0;
    return [column, (outliers / matrix.rows) * 100, rank + 1, outliers];
  });
  const largest = (level.top.outliers[0] ?? 0) / matrix.rows;
  // The stripe with most outliers is drawn last, over its neighbours where a column is narrower than a pixel.
  stripes.reverse();
  return {
    ...base(theme),
    grid: {
      left: 62,
      right: 18,
      top: 26,
      bottom: 82,
      show: true,
      backgroundColor: theme.idle,
      borderColor: theme.line,
    },
    xAxis: {
      ...countAxis(theme, 'Column (input channel)', 30),
      type: 'value',
      min: 0,
      max: matrix.columns,
      splitLine: { show: false },
    },
    yAxis: {
      ...countAxis(theme, 'Row (output channel)', 44),
      type: 'value',
      min: 0,
      max: matrix.rows,
      inverse: true,
      splitLine: { show: false },
      axisTick: { show: false },
    },
    visualMap: {
      type: 'continuous',
      min: 0,
      max: largest * 100,
      dimension: 1,
      orient: 'horizontal',
      left: 'center',
      bottom: 0,
      itemWidth: 10,
      itemHeight: 150,
      calculable: false,
      text: [`outlier ratio ${percent(largest)}`, '0 %'],
      formatter: (value) => percent(Number(value) / 100),
      textStyle: { color: theme.muted, fontSize: 11.5 },
      inRange: { color: theme.ramp },
    },
    tooltip: {
      ...base(theme).tooltip,
      trigger: 'item',
      formatter: (item) => {
        const [column = 0, ratio = 0, rank = 0, outliers = 0] = numbers(
          Array.isArray(item) ? undefined : item.value,
        );
        return `Column ${column}, rank ${rank}\n${outliers} outliers in ${matrix.rows} rows: ${percent(ratio / 100)}`;
      },
    },
    series: [
      {
        type: 'custom',
        data: stripes,
        encode: { x: 0, tooltip: [0, 1] },
        renderItem: (_parameters, api) => {
          const column = Number(api.value(0));
          const [left = 0, top = 0] = api.coord([column, 0]);
          const [right = 0, bottom = 0] = api.coord([column + 1, matrix.rows]);
          return {
            type: 'rect',
            shape: { x: left, y: top, width: Math.max(1.25, right - left), height: bottom - top },
            style: { fill: String(api.visual('color')) },
          };
        },
      },
    ],
  };
}

/**
 * Picture 3: bars for whole layers, and below them a cell for each matrix. Colours are logarithmic, since the ratios of
 * one model lie up to three orders of magnitude apart; a matrix without outliers keeps the colour of the ground.
 *
 * @param {readonly MatrixInspection[]} matrices
 * @param {readonly string[]} kinds from top to bottom
 * @param {number} s
 * @param {MatrixInspection} shown
 * @param {Theme} theme
 * @returns {EChartsOption}
 */
export function layersOption(matrices, kinds, s, shown, theme) {
  const blocks = [...new Set(matrices.map((matrix) => matrix.block))];
  const cells = matrices.map((matrix) => ({
    matrix,
    ratio: matrix.levels.find((level) => level.s === s)?.ratio ?? 0,
  }));
  const logs = cells.filter(({ ratio }) => ratio > 0).map(({ ratio }) => Math.log10(ratio));
  const highest = Math.max(...logs);
  // Where all are nearly equal the scale still spans a factor of three: small differences stay small.
  const lowest = Math.min(...logs, highest - 0.5);
  const layerNames = blocks.map(String);
  const bars = blocks.map((block) => overall(cells.filter(({ matrix }) => matrix.block === block)) * 100);
  return {
    ...base(theme),
    grid: [
      { left: 62, right: 18, top: 14, height: 92 },
      { left: 62, right: 18, top: 126, bottom: 92 },
    ],
    xAxis: [
      {
        ...axis(theme, '', 0),
        type: 'category',
        data: layerNames,
        axisLabel: { show: false },
        axisTick: { show: false },
      },
      {
        ...axis(theme, 'Layer', 28),
        type: 'category',
        gridIndex: 1,
        data: layerNames,
        axisTick: { show: false },
        axisLine: { show: false },
        splitLine: { show: false },
      },
    ],
    yAxis: [
      {
        ...axis(theme, 'Overall (%)', 44),
        type: 'value',
        min: 0,
        splitNumber: 3,
        axisLine: { show: false },
        axisTick: { show: false },
      },
      {
        ...axis(theme, 'Matrix', 44),
        type: 'category',
        gridIndex: 1,
        data: [...kinds],
        inverse: true,
        axisTick: { show: false },
        axisLine: { show: false },
        splitLine: { show: false },
        axisLabel: { color: theme.ink, fontSize: 12 },
      },
    ],
    visualMap: {
      type: 'continuous',
      min: lowest,
      max: highest,
      seriesIndex: 1,
      dimension: 2,
      orient: 'horizontal',
      left: 'center',
      bottom: 0,
      itemWidth: 10,
      itemHeight: 220,
      text: [`outlier ratio ${percent(10 ** highest)}`, percent(10 ** lowest)],
      formatter: (value) => percent(10 ** Number(value)),
      textStyle: { color: theme.muted, fontSize: 11.5 },
      inRange: { color: theme.ramp },
    },
    tooltip: {
      ...base(theme).tooltip,
      trigger: 'item',
      formatter: (item) => {
        if (Array.isArray(item)) return '';
        if (item.seriesIndex === 0)
          return `Layer ${item.name}, all matrices\nOutlier ratio ${percent(Number(item.value) / 100)}`;
        const cell = cells[item.dataIndex];
        if (cell === undefined) return '';
        const { matrix, ratio } = cell;
        return `${matrix.name}\n${matrix.rows} rows × ${matrix.columns} columns\nOutlier ratio ${percent(ratio)}`;
      },
    },
    series: [
      {
        type: 'bar',
        data: bars,
        barCategoryGap: '28%',
        barMaxWidth: 56,
        itemStyle: { color: theme.accent, borderRadius: [3, 3, 0, 0] },
      },
      {
        type: 'heatmap',
        xAxisIndex: 1,
        yAxisIndex: 1,
        data: cells.map(({ matrix, ratio }) => ({
          value: [String(matrix.block), matrix.kind, ratio > 0 ? Math.log10(ratio) : lowest],
          visualMap: ratio > 0,
          itemStyle: {
            ...(ratio > 0 ? {} : { color: theme.idle }),
            borderColor: theme.card,
            borderWidth: 2,
            borderRadius: 4,
          },
        })),
        emphasis: { itemStyle: { borderColor: theme.muted } },
      },
      {
        // The selected cell's frame, over its neighbours' borders.
        type: 'custom',
        xAxisIndex: 1,
        yAxisIndex: 1,
        silent: true,
        data: [[String(shown.block), shown.kind]],
        renderItem: (_parameters, api) => {
          const [x = 0, y = 0] = api.coord([api.value(0), api.value(1)]);
          const [width = 0, height = 0] = numbers(api.size?.([1, 1]));
          const shape = { x: x - width / 2, y: y - height / 2, width, height, r: 5 };
          // A light edge inside of the dark one: the frame is seen on a cell of any colour.
          return {
            type: 'group',
            children: [
              { type: 'rect', shape, style: { fill: 'none', stroke: theme.card, lineWidth: 6 } },
              { type: 'rect', shape, style: { fill: 'none', stroke: theme.ink, lineWidth: 2.5 } },
            ],
          };
        },
      },
    ],
  };
}

/** @param {readonly { matrix: MatrixInspection, ratio: number }[]} cells */
function overall(cells) {
  let outliers = 0;
  let weights = 0;
  for (const { matrix, ratio } of cells) {
    outliers += ratio * matrix.rows * matrix.columns;
    weights += matrix.rows * matrix.columns;
  }
  return weights === 0 ? 0 : outliers / weights;
}

/**
 * @param {unknown} value
 * @returns {number[]}
 */
function numbers(value) {
  return Array.isArray(value) ? value.map(Number) : [];
}
