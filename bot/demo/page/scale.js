// Where a moment stands on the line: early hours wide, later weeks narrow, and no two dots on each other.

const DAY = 86_400_000;

/**
 * A function from moments to pixels, densest around `start`.
 * `knots`: the dots' moments, between which at least `gap` pixels are kept.
 */
export function makeScale({start, from, to, knots, width, gap, pad}) {
  const moments = [...new Set([from, ...knots.filter(at => at > from && at < to), to])].sort((a, b) => a - b);
  const root = at => Math.sign(at - start) * Math.sqrt(Math.abs(at - start) / DAY);
  const lengths = moments.slice(1).map((at, n) => root(at) - root(moments[n]));
  const room = width - 2 * pad - gap * lengths.length;
  const share = Math.max(0, room) / (root(to) - root(from) || 1);
  const places = [pad];
  for (const length of lengths) places.push(places.at(-1) + gap + length * share);

  return at => {
    if (at <= from) return places[0];
    if (at >= to) return places.at(-1);
    const n = moments.findIndex(moment => moment > at) - 1;
    const part = (root(at) - root(moments[n])) / (root(moments[n + 1]) - root(moments[n]));
    return places[n] + part * (places[n + 1] - places[n]);
  };
}

/** The least width on which the dots stay apart. */
export const leastWidth = (dots, gap, pad) => 2 * pad + gap * (dots + 1) * 1.3;

const TICKS = [[1, "Day 1"], [3, "Day 3"], [7, "Day 7"], [14, "Day 14"], [28, "Week 4"], [42, "Week 6"], [56, "Week 8"], [84, "Week 12"]];

const ROOM = 68;  // pixels a label takes

/** What is labelled below the line: what is `fixed` [{at, label}], and the days there is room for between. */
export function ticks(fixed, start, to, place) {
  const result = [...fixed];
  for (const [days, label] of TICKS) {
    const at = start + days * DAY;
    if (at <= to && result.every(one => Math.abs(place(one.at) - place(at)) >= ROOM)) result.push({at, label});
  }
  return result;
}
