/* Winograd's convolution: bands of rows are carried to the points of winograd_points.c, multiplied
 * there channel by channel, and carried back. */

/* How many vectors lie between the values of one point and the next: odd, so that they don't all
 * fall into the same sets of the cache. */
#define WINOGRAD_STRIDE(channels, tiles) (((long)(channels) * (tiles)) | 1)

struct winograd {
    int outputs, out_height, out_width, inputs, in_height, in_width, pad;
    int tall, low;     /* bands of 4 rows, and after them of 3 */
    int broad, narrow; /* tiles of 4 columns in a band, and after them of 3 */
};

/* Bands that go together, and the tiles of each. They lie in such an order that those which have
 * a point lie side by side: of tall bands the narrow, then the broad tiles; of low bands the broad,
 * then the narrow. */
struct bands {
    int tall, low, broad, narrow;
};

INLINE int group_tiles(const struct bands g) { return (g.tall + g.low) * (g.broad + g.narrow); }

INLINE int broad_tiles(const struct bands g, int band) {
    return g.tall * g.narrow + band * g.broad;
}

INLINE int narrow_tiles(const struct bands g, int band) {
    return band * g.narrow + (band < g.tall ? 0 : (g.tall + g.low) * g.broad);
}

/* The tiles that have point k of a plane. */
struct share {
    int first, count;
};

INLINE struct share share_of(const struct bands g, int k) {
    const int rows = k / POINTS == ONLY_4 ? g.tall : g.tall + g.low;
    const int inside = k % POINTS == ONLY_4;
    return (struct share){inside ? g.tall * g.narrow : 0,
                          rows * (inside ? g.broad : g.broad + g.narrow)};
}

/* weights[outputs][inputs][3][3] → points[6·6][block of outputs][inputs][block]; a vector has an
 * output of the block in each lane. With `swapped` they come as [inputs][outputs][3][3]. */
APART void pack_winograd(const real *weights, real *points, const int outputs, const int inputs,
                         const int block, const int swapped) {
    const int from_output = swapped ? 1 : inputs, from_input = swapped ? outputs : 1;
    const real(*G)[3] = winograd_g;
    for (int first = 0; first < outputs; first += block)
        for (int c = 0; c < inputs; c++) {
            const int size = first + block <= outputs ? block : outputs - first;
            for (int start = 0; start < size; start += LANES) {
                const int count = start + LANES <= size ? LANES : size - start;
                vec w[9], half[POINTS][3];
                for (int k = 0; k < 9; k++) w[k] = (vec){0};
                for (int o = 0; o < count; o++)
                    for (int k = 0; k < 9; k++)
                        w[k][o] = weights[((long)(first + start + o) * from_output +
                                           (long)c * from_input) * 9 + k];
                real *to = points + (long)first * inputs + (long)c * size + start;
                UNROLL for (int i = 0; i < POINTS; i++)
                    UNROLL for (int j = 0; j < 3; j++)
                        half[i][j] = G[i][0] * w[j] + G[i][1] * w[3 + j] + G[i][2] * w[6 + j];
                UNROLL for (int i = 0; i < POINTS; i++)
                    UNROLL for (int j = 0; j < POINTS; j++) {
                        const vec point =
                            half[i][0] * G[j][0] + half[i][1] * G[j][1] + half[i][2] * G[j][2];
                        memcpy(to + (long)(i * POINTS + j) * outputs * inputs, &point,
                               sizeof(real) * count);
                    }
            }
        }
}

/* Rows of a band of one channel, from row `top` on; beyond the input they are zero. */
INLINE void winograd_find(struct place *at, line_finder *find, int c, int top, const int rows,
                          const int height, struct line *found) {
    UNROLL for (int i = 0; i < rows; i++) {
        const int h = top + i;
        found[i] = find(at, h < 0 ? 0 : h < height ? h : height - 1, c);
    }
}

/* One column of them. Where the band is `whole`, no row lies beyond the input. */
INLINE void winograd_column(line_value *value, struct line *found, int w, int top, const int rows,
                            const int height, const int whole, vec *column) {
    UNROLL for (int i = 0; i < rows; i++)
        column[i] = whole || (top + i >= 0 && top + i < height) ? value(&found[i], w) : (vec){0};
}

/* The m + 2 rows of a band of one channel, carried over column by column: lines[6][width]. The
 * input begins `pad` columns within the band. */
INLINE void winograd_lines(struct place *at, line_finder *find, line_value *value, int c, int top,
                           const struct winograd s, const int m, vec *lines, const int width) {
    const int n = m + 2, whole = top >= 0 && top + n <= s.in_height;
    struct line found[6];
    winograd_find(at, find, c, top, n, s.in_height, found);
    for (int i = 0; i < POINTS; i++) {
        for (int w = 0; w < s.pad; w++) lines[i * width + w] = (vec){0};
        for (int w = s.pad + s.in_width; w < width; w++) lines[i * width + w] = (vec){0};
    }
    for (int w = 0; w < s.in_width; w++) {
        vec before[6], column[POINTS];
        if (whole)
            winograd_column(value, found, w, top, n, s.in_height, 1, before);
        else
            winograd_column(value, found, w, top, n, s.in_height, 0, before);
        winograd_to_points(m, before, 1, column);
        UNROLL for (int i = 0; i < POINTS; i++)
            if (HAS_POINT(m, i)) lines[i * width + s.pad + w] = column[i];
    }
}

/* Tiles of m columns along a line, from the line to the points. */
INLINE void winograd_tiles(const int m, const vec *line, vec *values, const long stride,
                           const int tiles) {
    for (int t = 0; t < tiles; t++) {
        vec x[6], row[POINTS];
        UNROLL for (int j = 0; j < m + 2; j++) {
            x[j] = line[t * m + j];
            IN_REGISTER(x[j]);
        }
        winograd_to_points(m, x, 1, row);
        UNROLL for (int j = 0; j < POINTS; j++)
            if (HAS_POINT(m, j)) values[j * stride + t] = row[j];
    }
}

/* And row by row: values[6·6] at `stride` from each other, each with a place per tile. */
INLINE void winograd_band(const int m, const vec *lines, const int width, vec *values,
                          const long stride, const struct bands g, int band) {
    for (int i = 0; i < POINTS; i++)
        if (HAS_POINT(m, i)) {
            const vec *line = lines + i * width;
            vec *to = values + i * POINTS * stride;
            winograd_tiles(4, line, to + broad_tiles(g, band), stride, g.broad);
            winograd_tiles(3, line + 4 * g.broad, to + narrow_tiles(g, band), stride, g.narrow);
        }
}

/* products[o][t] = Σ weights[c][o] · values[c][t] for a block of outputs and of tiles */
INLINE void winograd_block(const real *weights, const vec *values, vec *products, const int inputs,
                           const int tiles, const int block, const int wide) {
    vec sum[MOST];
    UNROLL for (int o = 0; o < block; o++)
        UNROLL for (int t = 0; t < wide; t++) sum[o * wide + t] = (vec){0};
    for (int c = 0; c < inputs; c++) {
        vec x[MOST];
        UNROLL for (int t = 0; t < wide; t++) {
            x[t] = values[c * tiles + t];
            IN_REGISTER(x[t]);
        }
        UNROLL for (int o = 0; o < block; o++)
            UNROLL for (int t = 0; t < wide; t++) sum[o * wide + t] += weights[c * block + o] * x[t];
    }
    UNROLL for (int o = 0; o < block; o++)
        UNROLL for (int t = 0; t < wide; t++) products[o * tiles + t] = sum[o * wide + t];
}

/* For `count` of the tiles. After blocks of `wide` tiles as many may be left as `rest` has bits. */
INLINE void winograd_outputs(const real *weights, const vec *values, vec *products,
                             const int inputs, const int tiles, const int count, const int block,
                             const int wide, const int rest) {
    int t = 0;
    for (; t + wide <= count; t += wide)
        winograd_block(weights, values + t, products + t, inputs, tiles, block, wide);
    UNROLL for (int left = 1; left < wide; left++)
        if ((rest >> left & 1) && count - t == left)
            winograd_block(weights, values + t, products + t, inputs, tiles, block, left);
}

/* At one point: products[outputs][tiles] = weights[outputs][inputs] · values[inputs][tiles] */
INLINE void winograd_multiply(const real *weights, const vec *values, vec *products,
                              const int outputs, const int inputs, const int tiles,
                              const int count, const int block, const int wide, const int rest) {
    int o = 0;
    for (; o + block <= outputs; o += block)
        winograd_outputs(weights + o * inputs, values, products + o * tiles, inputs, tiles, count,
                         block, wide, rest);
    if (outputs % block)
        winograd_outputs(weights + o * inputs, values, products + o * tiles, inputs, tiles, count,
                         outputs % block, wide, rest);
}

/* Tiles of m columns along a line, back from their products. */
INLINE void winograd_tiles_back(const int m, const vec *products, const long stride, vec *line,
                                const int tiles) {
    for (int t = 0; t < tiles; t++)
        winograd_from_points(m, products + t, stride, line + t * m);
}

/* The band's m rows of one output, back from its products. */
INLINE void winograd_rows(const int m, const vec *products, const long stride, vec *lines,
                          const int width, const struct bands g, int band) {
    for (int i = 0; i < POINTS; i++)
        if (HAS_POINT(m, i)) {
            const vec *from = products + i * POINTS * stride;
            vec *line = lines + i * width;
            winograd_tiles_back(4, from + broad_tiles(g, band), stride, line, g.broad);
            winograd_tiles_back(3, from + narrow_tiles(g, band), stride, line + 4 * g.broad,
                                g.narrow);
        }
    for (int w = 0; w < width; w++) {
        vec column[4];
        winograd_from_points(m, lines + w, width, column);
        UNROLL for (int i = 0; i < m; i++) lines[i * width + w] = column[i];
    }
}

/* Where a band of a group begins: after how many rows. */
INLINE int rows_before(const struct bands g, int band) {
    return band < g.tall ? 4 * band : 3 * band + g.tall;
}

INLINE void winograd_finish(struct place *at, row_finisher *finish, const int m,
                            const vec *products, const long stride, vec *lines, const int width,
                            const struct winograd s, const struct bands g, int first, int band) {
    const int tiles = group_tiles(g), top = first + rows_before(g, band);
    for (int o = 0; o < s.outputs; o++) {
        winograd_rows(m, products + o * tiles, stride, lines, width, g, band);
        for (int i = 0; i < m && top + i < s.out_height; i++)
            finish(at, top + i, o, lines + i * width);
    }
}

/* What has been multiplied gives its place to the products of the next point. */
INLINE void winograd_group(struct place *at, line_finder *find, line_value *value,
                           row_finisher *finish, const real *weights, const struct winograd s,
                           const struct bands g, const int first, const int block, const int wide,
                           const int rest) {
    const int tiles = group_tiles(g), width = 4 * g.broad + 3 * g.narrow;
    const long slot = WINOGRAD_STRIDE(s.inputs > s.outputs ? s.inputs : s.outputs, tiles);
    vec *lines = at->scratch, *products = lines + POINTS * (width + 2), *values = products + slot;
    for (int b = 0; b < g.tall + g.low; b++)
        for (int c = 0; c < s.inputs; c++) {
            const int top = first + rows_before(g, b) - s.pad;
            if (b < g.tall) {
                winograd_lines(at, find, value, c, top, s, 4, lines, width + 2);
                winograd_band(4, lines, width + 2, values + c * tiles, slot, g, b);
            } else {
                winograd_lines(at, find, value, c, top, s, 3, lines, width + 2);
                winograd_band(3, lines, width + 2, values + c * tiles, slot, g, b);
            }
        }
    for (int k = 0; k < POINTS * POINTS; k++) {
        const struct share own = share_of(g, k);
        winograd_multiply(weights + (long)k * s.outputs * s.inputs, values + k * slot + own.first,
                          products + k * slot + own.first, s.outputs, s.inputs, tiles, own.count,
                          block, wide, rest);
    }
    for (int b = 0; b < g.tall; b++)
        winograd_finish(at, finish, 4, products, slot, lines, width, s, g, first, b);
    for (int b = g.tall; b < g.tall + g.low; b++)
        winograd_finish(at, finish, 3, products, slot, lines, width, s, g, first, b);
}

/* So many tall bands go together, and so many low ones: `both` at once, or first the tall.
 * Each of the three calls has bands that the compiler knows, so they aren't one loop.
 * Scratch: 6 lines, 6·6 + 1 slots of [inputs or outputs][tiles]. */
INLINE void winograd_conv(struct place *at, line_finder *find, line_value *value,
                          row_finisher *finish, const real *weights, const struct winograd s,
                          const int tall, const int low, const int both, const int block,
                          const int wide, const int rest) {
    if (both) {
        winograd_group(at, find, value, finish, weights, s,
                       (struct bands){tall, low, s.broad, s.narrow}, 0, block, wide, rest);
        return;
    }
    for (int b = 0; b < s.tall; b += tall)
        winograd_group(at, find, value, finish, weights, s,
                       (struct bands){tall, 0, s.broad, s.narrow}, 4 * b, block, wide, rest);
    for (int b = 0; b < s.low; b += low)
        winograd_group(at, find, value, finish, weights, s,
                       (struct bands){0, low, s.broad, s.narrow}, 4 * s.tall + 3 * b, block, wide,
                       rest);
}
