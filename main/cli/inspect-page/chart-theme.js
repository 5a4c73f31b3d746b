/**
 * How the charts look, light and dark, and how they write figures.
 *
 * @typedef {{ ink: string, muted: string, line: string, card: string, accent: string, idle: string, ramp: string[] }} Theme
 */

const FONT = "Inter, 'Segoe UI', system-ui, 'DejaVu Sans', sans-serif";

/** @type {Theme} */
const LIGHT = {
  ink: '#1d2127',
  muted: '#626a75',
  line: '#e3e1db',
  card: '#ffffff',
  accent: '#b3431a',
  idle: '#f1efeb',
  ramp: ['#f9d8b4', '#f6b98a', '#e57a4c', '#b3431a', '#5f1a14'],
};

/** @type {Theme} */
const DARK = {
  ink: '#eceae6',
  muted: '#9aa2ad',
  line: '#30343c',
  card: '#1c1f25',
  accent: '#f08a5d',
  idle: '#272b32',
  ramp: ['#46251f', '#7d3423', '#bf532f', '#f08a5d', '#ffdcb8'],
};

/** @param {boolean} dark */
export function themeOf(dark) {
  return dark ? DARK : LIGHT;
}

/**
 * A share (0..1) as a percentage that keeps small values apart.
 * @param {number} ratio
 */
export function percent(ratio) {
  const value = ratio * 100;
  return `${value === 0 ? 0 : Number(value.toPrecision(value < 0.1 ? 2 : 3))} %`;
}

/**
 * What all charts share.
 *
 * @param {Theme} theme
 */
export function base(theme) {
  return {
    textStyle: { fontFamily: FONT, color: theme.ink },
    animationDuration: 250,
    animationDurationUpdate: 250,
    tooltip: {
      // Rich text is drawn on the canvas: no HTML is made of names that come from a model's files.
      renderMode: /** @type {const} */ ('richText'),
      confine: true,
      backgroundColor: theme.card,
      borderColor: theme.line,
      padding: [8, 11],
      textStyle: { color: theme.ink, fontSize: 12.5, lineHeight: 19, fontFamily: FONT },
    },
  };
}

/**
 * @param {Theme} theme
 * @param {string} name
 * @param {number} gap
 */
export function axis(theme, name, gap) {
  return {
    name,
    nameLocation: /** @type {const} */ ('middle'),
    nameGap: gap,
    nameTextStyle: { color: theme.muted, fontSize: 12 },
    axisLabel: { color: theme.muted, fontSize: 11.5 },
    axisLine: { lineStyle: { color: theme.line } },
    axisTick: { lineStyle: { color: theme.line } },
    splitLine: { lineStyle: { color: theme.line, type: /** @type {const} */ ('dashed') } },
  };
}

/**
 * An axis that ends at a count of rows or columns: the count is seldom round, and its label would crowd the one before.
 *
 * @param {Theme} theme
 * @param {string} name
 * @param {number} gap
 */
export function countAxis(theme, name, gap) {
  return {
    ...axis(theme, name, gap),
    axisLabel: { color: theme.muted, fontSize: 11.5, showMaxLabel: false },
  };
}
