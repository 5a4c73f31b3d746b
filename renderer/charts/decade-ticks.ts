/** Digits of an exponent, raised. */
const RAISED: Readonly<Record<string, string>> = {
  ...{ '-': '⁻', '0': '⁰', '1': '¹', '2': '²', '3': '³', '4': '⁴' },
  ...{ '5': '⁵', '6': '⁶', '7': '⁷', '8': '⁸', '9': '⁹' },
};

/** Axes within are written out; they end with whole decades around their figures. */
const PLAIN = { least: 1e-3, most: 1e5 } as const;

/**
 * Labels of a logarithmic axis, whose ticks are powers of ten: all as figures (`0.01`) where they are short, else all as powers
 * (`10⁻⁴`).
 * @param figures what stands on the axis, above 0
 */
export function decadeText(figures: readonly number[]): (tick: number) => string {
  const { least, most } = PLAIN;
  const isPlain = figures.every((figure) => figure >= least && figure <= most);
  return (tick) => {
    const exponent = Math.round(Math.log10(tick));
    if (isPlain) return (10 ** exponent).toLocaleString('en', { maximumFractionDigits: 3 });
    return `10${String(exponent).replaceAll(/./g, (sign) => RAISED[sign] ?? sign)}`;
  };
}
