/**
 * Causal softmax attention with rotated queries and keys. Eight queries of one head make a strip: their scores against
 * all keys that they see, [keys][8], stand in the scratch, so that the softmax runs down the lanes of two vectors, and the
 * micro-kernel makes both products.
 */
import { exponential } from './exponential';
import { PANEL, PANEL_BYTES, STRIP, STRIP_BYTES, pointer, word } from './layout';
import { microKernel } from './micro-kernel';

// Arguments of packKeys and attendStrips, as words. The same list stands in ../attention.ts.
const QUERIES = 0; // [tokens][heads x headDim]
const KEYS = 1; // [tokens][kvHeads x headDim]
const VALUES = 2; // likewise
const COS = 3; // [tokens][headDim / 2]
const SIN = 4;
const KEY_PANELS = 5; // [kvHeads][padded tokens / 6][headDim][6], rotated
const VALUE_PANELS = 6; // [kvHeads][padded headDim / 6][padded tokens][6]
const MIXED = 7; // [tokens][heads x headDim]: the result
const TOKENS = 8;
const HEADS = 9;
const KV_HEADS = 10;
const HEAD_DIM = 11;
const WINDOW = 12; // keys that a query sees, itself included
const SCALE = 13; // f32 bits: 1 / sqrt(headDim)

/** Strips that share the keys and values. The same number stands in ../attention.ts. */
const STRIPS_PER_TILE: i32 = 4;
/** Keys whose exponentials are summed in one go. */
const SUMMED_KEYS: usize = 32;
/** The score of a key that a query does not see; its exponential is exactly 0. */
const HIDDEN_SCORE: f32 = -1e30;

// @ts-ignore: decorator
@inline
function panels(count: i32): i32 {
  return (count + PANEL - 1) / PANEL;
}

/** Rotates the pair (i, i + headDim / 2) of a head by its token's angle: the half that `i` belongs to. */
// @ts-ignore: decorator
@inline
function rotated(head: usize, cos: usize, sin: usize, i: i32, half: i32): f32 {
  const pair = i < half ? i : i - half;
  const first = load<f32>(head + (<usize>pair << 2));
  const second = load<f32>(head + (<usize>(pair + half) << 2));
  const c = load<f32>(cos + (<usize>pair << 2));
  const s = load<f32>(sin + (<usize>pair << 2));
  return i < half ? first * c - second * s : second * c + first * s;
}

/** Packs six tokens' keys, rotated, and values of all heads; tokens beyond the last one are zeros. */
export function packKeys(args: usize, panel: i32): void {
  const tokens = word(args, TOKENS);
  const kvHeads = word(args, KV_HEADS);
  const headDim = word(args, HEAD_DIM);
  const half = headDim >> 1;
  const width = <usize>(kvHeads * headDim) << 2;
  const tokenPanels = panels(tokens);
  const dimPanels = panels(headDim);
  for (let lane = 0; lane < PANEL; lane++) {
    const token = panel * PANEL + lane;
    const exists = token < tokens;
    const cos = pointer(args, COS) + ((<usize>token * <usize>half) << 2);
    const sin = pointer(args, SIN) + ((<usize>token * <usize>half) << 2);
    for (let head = 0; head < kvHeads; head++) {
      const at = <usize>token * width + (<usize>(head * headDim) << 2);
      const keyPanel = pointer(args, KEY_PANELS) + <usize>((head * tokenPanels + panel) * headDim) * PANEL_BYTES;
      for (let i = 0; i < headDim; i++) {
        const key: f32 = exists ? rotated(pointer(args, KEYS) + at, cos, sin, i, half) : 0;
        store<f32>(keyPanel + <usize>i * PANEL_BYTES + (<usize>lane << 2), key);
      }
      for (let i = 0; i < dimPanels * PANEL; i++) {
        const valuePanel = pointer(args, VALUE_PANELS) + <usize>(head * dimPanels + i / PANEL) * <usize>(tokenPanels * PANEL) * PANEL_BYTES;
        const value: f32 = exists && i < headDim ? load<f32>(pointer(args, VALUES) + at + (<usize>i << 2)) : 0;
        store<f32>(valuePanel + <usize>token * PANEL_BYTES + (<usize>(i % PANEL) << 2), value);
      }
    }
  }
}

/**
 * Attention of some strips of eight queries of one head, which share each panel of keys and of values while it is in the cache.
 * Of a head, the last queries, which see most, come first: the work ends evenly.
 */
export function attendStrips(args: usize, index: i32, scratch: usize): void {
  const tokens = word(args, TOKENS);
  const heads = word(args, HEADS);
  const headDim = word(args, HEAD_DIM);
  const window = word(args, WINDOW);
  const strips = (tokens + STRIP - 1) / STRIP;
  const tiles = (strips + STRIPS_PER_TILE - 1) / STRIPS_PER_TILE;
  const head = index / tiles;
  const kvHead = head / (heads / word(args, KV_HEADS));
  const firstStrip = (tiles - 1 - (index % tiles)) * STRIPS_PER_TILE;
  const endStrip = min(firstStrip + STRIPS_PER_TILE, strips);
  const from = max(0, firstStrip * STRIP - window + 1) / PANEL;
  const lastEnd = panels(min(endStrip * STRIP, tokens));
  const dimPanels = panels(headDim);
  const tokenPanels = panels(tokens);
  // Of each strip: sums, queries, scores, mixture.
  const scoresAt = <usize>(1 + headDim) * STRIP_BYTES;
  const mixedAt = scoresAt + <usize>((lastEnd - from) * PANEL) * STRIP_BYTES;
  const stripBytes = mixedAt + <usize>(dimPanels * PANEL) * STRIP_BYTES;

  const count = endStrip - firstStrip;
  for (let i = 0; i < count; i++) {
    const room = scratch + <usize>i * stripBytes;
    packQueries(args, head, (firstStrip + i) * STRIP, room + STRIP_BYTES);
    memory.fill(room + scoresAt, 0, stripBytes - scoresAt);
  }
  const keyPanels = pointer(args, KEY_PANELS) + <usize>(kvHead * tokenPanels * headDim) * PANEL_BYTES;
  for (let panel = from; panel < lastEnd; panel++) {
    const keys = keyPanels + <usize>(panel * headDim) * PANEL_BYTES;
    const row = scoresAt + <usize>((panel - from) * PANEL) * STRIP_BYTES;
    for (let i = 0; i < count; i++) {
      if (panel >= endOf(firstStrip + i, tokens)) continue;
      const room = scratch + <usize>i * stripBytes;
      microKernel(keys, room + STRIP_BYTES, room + row, STRIP_BYTES, headDim);
    }
  }
  for (let i = 0; i < count; i++) {
    const room = scratch + <usize>i * stripBytes;
    const keys = (endOf(firstStrip + i, tokens) - from) * PANEL;
    hideScores(room + scoresAt, from * PANEL, keys, (firstStrip + i) * STRIP, window);
    softmaxUndivided(room + scoresAt, keys, room);
  }
  for (let panel = 0; panel < dimPanels; panel++) {
    const row = <usize>(kvHead * dimPanels + panel) * <usize>(tokenPanels * PANEL) + <usize>(from * PANEL);
    const values = pointer(args, VALUE_PANELS) + row * PANEL_BYTES;
    for (let i = 0; i < count; i++) {
      const room = scratch + <usize>i * stripBytes;
      const keys = (endOf(firstStrip + i, tokens) - from) * PANEL;
      const mixed = room + mixedAt + <usize>(panel * PANEL) * STRIP_BYTES;
      microKernel(values, room + scoresAt, mixed, STRIP_BYTES, keys);
    }
  }
  for (let i = 0; i < count; i++) {
    const room = scratch + <usize>i * stripBytes;
    storeMixed(args, head, (firstStrip + i) * STRIP, room + mixedAt, room);
  }
}

/** Panels of keys up to the last that a strip's queries see. */
// @ts-ignore: decorator
@inline
function endOf(strip: i32, tokens: i32): i32 {
  return panels(min((strip + 1) * STRIP, tokens));
}

/** Divides the mixture, [padded headDim][8], by the sums, and puts it where the result stands. */
function storeMixed(args: usize, head: i32, first: i32, mixed: usize, sums: usize): void {
  const tokens = word(args, TOKENS);
  const headDim = word(args, HEAD_DIM);
  const width = <usize>(word(args, HEADS) * headDim);
  for (let lane = 0; lane < min(STRIP, tokens - first); lane++) {
    const to = pointer(args, MIXED) + ((<usize>(first + lane) * width + <usize>(head * headDim)) << 2);
    const share: f32 = 1 / load<f32>(sums + (<usize>lane << 2));
    for (let i = 0; i < headDim; i++) {
      const value = load<f32>(mixed + <usize>i * STRIP_BYTES + (<usize>lane << 2));
      store<f32>(to + (<usize>i << 2), value * share);
    }
  }
}

/** [headDim][8], rotated and scaled. */
function packQueries(args: usize, head: i32, first: i32, queries: usize): void {
  const tokens = word(args, TOKENS);
  const headDim = word(args, HEAD_DIM);
  const half = headDim >> 1;
  const scale = reinterpret<f32>(word(args, SCALE));
  for (let lane = 0; lane < STRIP; lane++) {
    const token = first + lane;
    const at = pointer(args, QUERIES) + ((<usize>token * <usize>(word(args, HEADS) * headDim) + <usize>(head * headDim)) << 2);
    const cos = pointer(args, COS) + ((<usize>token * <usize>half) << 2);
    const sin = pointer(args, SIN) + ((<usize>token * <usize>half) << 2);
    for (let i = 0; i < headDim; i++) {
      const query: f32 = token < tokens ? rotated(at, cos, sin, i, half) * scale : 0;
      store<f32>(queries + <usize>i * STRIP_BYTES + (<usize>lane << 2), query);
    }
  }
}

/** Of queries [first, first + 8), scores of keys [start, start + keys): those behind a query, and those beyond its window. */
function hideScores(scores: usize, start: i32, keys: i32, first: i32, window: i32): void {
  for (let lane = 0; lane < STRIP; lane++) {
    const query = first + lane;
    for (let key = start; key <= min(query - window, start + keys - 1); key++) hideScore(scores, key - start, lane);
    for (let key = query + 1; key < start + keys; key++) hideScore(scores, key - start, lane);
  }
}

// @ts-ignore: decorator
@inline
function hideScore(scores: usize, row: i32, lane: i32): void {
  store<f32>(scores + <usize>row * STRIP_BYTES + (<usize>lane << 2), HIDDEN_SCORE);
}

/**
 * Replaces scores, [keys][8], by exp(score - the query's largest), and stores their sums a query: what the mixture is divided
 * by in the end. Sums of short runs first: thousands of float32 one after the other add up their roundings.
 */
function softmaxUndivided(scores: usize, keys: i32, sums: usize): void {
  const end = scores + <usize>keys * STRIP_BYTES;
  let most0 = v128.load(scores);
  let most1 = v128.load(scores, 16);
  for (let at = scores + STRIP_BYTES; at < end; at += STRIP_BYTES) {
    most0 = f32x4.pmax(most0, v128.load(at));
    most1 = f32x4.pmax(most1, v128.load(at, 16));
  }
  let sum0 = f32x4.splat(0);
  let sum1 = f32x4.splat(0);
  for (let at = scores; at < end; ) {
    const runEnd = min(at + SUMMED_KEYS * STRIP_BYTES, end);
    let run0 = f32x4.splat(0);
    let run1 = f32x4.splat(0);
    for (; at < runEnd; at += STRIP_BYTES) {
      const e0 = exponential(f32x4.sub(v128.load(at), most0));
      const e1 = exponential(f32x4.sub(v128.load(at, 16), most1));
      v128.store(at, e0);
      v128.store(at, e1, 16);
      run0 = f32x4.add(run0, e0);
      run1 = f32x4.add(run1, e1);
    }
    sum0 = f32x4.add(sum0, run0);
    sum1 = f32x4.add(sum1, run1);
  }
  v128.store(sums, sum0);
  v128.store(sums, sum1, 16);
}
