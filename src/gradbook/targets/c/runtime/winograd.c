/* Winograd's convolution: bands of rows are carried to the points of winograd_points.c, multiplied
 * there channel by channel, and carried back. */

/* How many vectors lie between the values of one point and the next: odd, so that they don't all
 * fall into the same sets of the cache. */
#define WINOGRAD_STRIDE(channels, tiles) (((long)(channels) * (tiles)) | 1)

struct winograd {
    int m, outputs, out_height, out_width, inputs, in_height, in_width, pad;
};

/* weights[outputs][inputs][3][3] → points[n·n][block of outputs][inputs][block]; a vector has an
 * output of the block in each lane. With `swapped` they come as [inputs][outputs][3][3]. */
APART void pack_winograd(const real *weights, real *points, const int m, const int outputs,
                          const int inputs, const int block, const int swapped) {
    const int from_output = swapped ? 1 : inputs, from_input = swapped ? outputs : 1;
    const int n = m + 2;
    const real(*G)[3] = m == 4 ? winograd_g4 : winograd_g3;
    for (int first = 0; first < outputs; first += block)
        for (int c = 0; c < inputs; c++) {
            const int size = first + block <= outputs ? block : outputs - first;
            for (int start = 0; start < size; start += LANES) {
                const int count = start + LANES <= size ? LANES : size - start;
                vec w[9], half[6][3];
                for (int k = 0; k < 9; k++) w[k] = (vec){0};
                for (int o = 0; o < count; o++)
                    for (int k = 0; k < 9; k++)
                        w[k][o] = weights[((long)(first + start + o) * from_output +
                                           (long)c * from_input) * 9 + k];
                real *to = points + (long)first * inputs + (long)c * size + start;
                UNROLL for (int i = 0; i < n; i++)
                    UNROLL for (int j = 0; j < 3; j++)
                        half[i][j] = G[i][0] * w[j] + G[i][1] * w[3 + j] + G[i][2] * w[6 + j];
                UNROLL for (int i = 0; i < n; i++)
                    UNROLL for (int j = 0; j < n; j++) {
                        const vec point =
                            half[i][0] * G[j][0] + half[i][1] * G[j][1] + half[i][2] * G[j][2];
                        memcpy(to + (long)(i * n + j) * outputs * inputs, &point,
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

/* The n rows of a band of one channel, carried over column by column: lines[n][width]. The input
 * begins `left` columns within the band. */
INLINE void winograd_lines(struct place *at, line_finder *find, line_value *value, int c, int top,
                           const struct winograd s, vec *lines, const int width) {
    const int n = s.m + 2, whole = top >= 0 && top + n <= s.in_height;
    struct line found[6];
    winograd_find(at, find, c, top, n, s.in_height, found);
    for (int i = 0; i < n; i++) {
        for (int w = 0; w < s.pad; w++) lines[i * width + w] = (vec){0};
        for (int w = s.pad + s.in_width; w < width; w++) lines[i * width + w] = (vec){0};
    }
    for (int w = 0; w < s.in_width; w++) {
        vec before[6], column[6];
        if (whole)
            winograd_column(value, found, w, top, n, s.in_height, 1, before);
        else
            winograd_column(value, found, w, top, n, s.in_height, 0, before);
        winograd_to_points(s.m, before, 1, column);
        UNROLL for (int i = 0; i < n; i++) lines[i * width + s.pad + w] = column[i];
    }
}

/* And row by row: values[n·n] at `stride` from each other, each with a place per tile. */
INLINE void winograd_band(const int m, const vec *lines, vec *values, const long stride,
                          const int tiles) {
    const int n = m + 2, width = tiles * m + 2;
    for (int i = 0; i < n; i++)
        for (int t = 0; t < tiles; t++) {
            vec x[6], row[6];
            UNROLL for (int j = 0; j < n; j++) {
                x[j] = lines[i * width + t * m + j];
                IN_REGISTER(x[j]);
            }
            winograd_to_points(m, x, 1, row);
            UNROLL for (int j = 0; j < n; j++) values[(i * n + j) * stride + t] = row[j];
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

INLINE void winograd_outputs(const real *weights, const vec *values, vec *products,
                             const int inputs, const int tiles, const int block, const int wide) {
    int t = 0;
    for (; t + wide <= tiles; t += wide)
        winograd_block(weights, values + t, products + t, inputs, tiles, block, wide);
    if (tiles % wide)
        winograd_block(weights, values + t, products + t, inputs, tiles, block, tiles % wide);
}

/* At one point: products[outputs][tiles] = weights[outputs][inputs] · values[inputs][tiles] */
INLINE void winograd_multiply(const real *weights, const vec *values, vec *products,
                              const int outputs, const int inputs, const int tiles,
                              const int block, const int wide) {
    int o = 0;
    for (; o + block <= outputs; o += block)
        winograd_outputs(weights + o * inputs, values, products + o * tiles, inputs, tiles, block,
                         wide);
    if (outputs % block)
        winograd_outputs(weights + o * inputs, values, products + o * tiles, inputs, tiles,
                         outputs % block, wide);
}

/* The band's m rows of one output, back from its products. */
INLINE void winograd_rows(const int m, const vec *products, const long stride, vec *lines,
                          const int width, const int tiles) {
    const int n = m + 2;
    for (int i = 0; i < n; i++)
        for (int t = 0; t < tiles; t++)
            winograd_from_points(m, products + i * n * stride + t, stride,
                                 lines + i * width + t * m);
    for (int w = 0; w < width; w++) {
        vec column[4];
        winograd_from_points(m, lines + w, width, column);
        UNROLL for (int i = 0; i < m; i++) lines[i * width + w] = column[i];
    }
}

/* `bands` of m rows go together. What has been multiplied gives its place to the products of the
 * next point. Scratch: n lines, n·n + 1 slots of [inputs or outputs][tiles]. */
INLINE void winograd_conv(struct place *at, line_finder *find, line_value *value,
                          row_finisher *finish, const real *weights, const struct winograd s, const int bands,
                          const int block, const int wide) {
    const int m = s.m, n = m + 2;
    const int across = (s.out_width + m - 1) / m, tiles = across * bands, width = across * m;
    const long slot = WINOGRAD_STRIDE(s.inputs > s.outputs ? s.inputs : s.outputs, tiles);
    vec *lines = at->scratch, *products = lines + n * (width + 2), *values = products + slot;
    for (int first = 0; first < s.out_height; first += m * bands) {
        for (int b = 0; b < bands; b++)
            for (int c = 0; c < s.inputs; c++) {
                winograd_lines(at, find, value, c, first + b * m - s.pad, s, lines, width + 2);
                winograd_band(m, lines, values + c * tiles + b * across, slot, across);
            }
        for (int k = 0; k < n * n; k++)
            winograd_multiply(weights + (long)k * s.outputs * s.inputs, values + k * slot,
                              products + k * slot, s.outputs, s.inputs, tiles, block, wide);
        for (int b = 0; b < bands; b++)
            for (int o = 0; o < s.outputs; o++) {
                const int top = first + b * m;
                if (top >= s.out_height) continue;
                winograd_rows(m, products + o * tiles + b * across, slot, lines, width, across);
                for (int i = 0; i < m && top + i < s.out_height; i++)
                    finish(at, top + i, o, lines + i * width);
            }
    }
}
