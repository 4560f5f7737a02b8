/* Winograd's convolution with 3×3 windows: m×m results from (m+2)² products instead of 9·m².
 *
 * After Lavin and Gray, "Fast algorithms for convolutional neural networks" (2015). A patch of
 * the input is carried over to the values of a polynomial at n = m + 2 points, multiplied there
 * and carried back. For m = 4 the points are 0, ±¾, ±1½ and ∞ rather than the usual 0, ±1, ±2:
 * half the rounding error for the same work. For m = 3 they are 0, ±1, 2, ∞.
 *
 * In one dimension: y = Aᵀ[(G w) ⊙ (Bᵀ x)], and since that is linear in each, the gradient of the
 * weights is Gᵀ[(A d) ⊙ (Bᵀ x)] with the same three matrices. */

#define POINT_A ((real)0.75)
#define POINT_B ((real)1.5)
#define AA (POINT_A * POINT_A)
#define BB (POINT_B * POINT_B)

/* Bᵀ x: n values from n */
INLINE void winograd_to_points(const int m, const vec *x, const long step, vec *to) {
    if (m == 4) {
        const vec x0 = x[0], x1 = x[step], x2 = x[2 * step], x3 = x[3 * step], x4 = x[4 * step],
                  x5 = x[5 * step];
        const vec even_a = x4 - BB * x2, odd_a = POINT_A * x3 - POINT_A * BB * x1;
        const vec even_b = x4 - AA * x2, odd_b = POINT_B * x3 - POINT_B * AA * x1;
        to[0] = AA * BB * x0 - (AA + BB) * x2 + x4;
        to[1] = even_a + odd_a;
        to[2] = even_a - odd_a;
        to[3] = even_b + odd_b;
        to[4] = even_b - odd_b;
        to[5] = AA * BB * x1 - (AA + BB) * x3 + x5;
    } else {
        const vec x0 = x[0], x1 = x[step], x2 = x[2 * step], x3 = x[3 * step], x4 = x[4 * step];
        const vec high = x3 - x1;
        to[0] = 2 * (x0 - x2) + high;
        to[1] = x3 - x2 - 2 * x1;
        to[2] = x3 - 3 * x2 + 2 * x1;
        to[3] = high;
        to[4] = x4 - x2 - 2 * high;
    }
}

/* Aᵀ p: m values from n */
INLINE void winograd_from_points(const int m, const vec *p, const long step, vec *to) {
    if (m == 4) {
        const vec p1 = p[step], p2 = p[2 * step], p3 = p[3 * step], p4 = p[4 * step];
        const vec sum_a = p1 + p2, sum_b = p3 + p4;
        const vec gap_a = POINT_A * (p1 - p2), gap_b = POINT_B * (p3 - p4);
        to[0] = p[0] + sum_a + sum_b;
        to[1] = gap_a + gap_b;
        to[2] = AA * sum_a + BB * sum_b;
        to[3] = AA * gap_a + BB * gap_b + p[5 * step];
    } else {
        const vec p1 = p[step], p2 = p[2 * step], p3 = p[3 * step];
        const vec sum = p1 + p2;
        to[0] = p[0] + sum + p3;
        to[1] = p1 - p2 + 2 * p3;
        to[2] = sum + 4 * p3 + p[4 * step];
    }
}

/* B p: what values at the n points give to the n values of a patch */
INLINE void winograd_to_patch(const int m, const vec *p, const long step, vec *to) {
    const vec p0 = p[0], p1 = p[step], p2 = p[2 * step], p3 = p[3 * step], p4 = p[4 * step];
    if (m == 4) {
        const vec p5 = p[5 * step];
        const vec sum_a = p1 + p2, sum_b = p3 + p4, gap_a = p1 - p2, gap_b = p3 - p4;
        to[0] = AA * BB * p0;
        to[1] = AA * BB * p5 - POINT_A * BB * gap_a - POINT_B * AA * gap_b;
        to[2] = -(AA + BB) * p0 - BB * sum_a - AA * sum_b;
        to[3] = POINT_A * gap_a + POINT_B * gap_b - (AA + BB) * p5;
        to[4] = p0 + sum_a + sum_b;
        to[5] = p5;
    } else {
        to[0] = 2 * p0;
        to[1] = 2 * (p2 - p1 + p4) - p0 - p3;
        to[2] = -2 * p0 - p1 - 3 * p2 - p4;
        to[3] = p0 + p1 + p2 + p3 - 2 * p4;
        to[4] = p4;
    }
}

/* A d: n values from m */
INLINE void winograd_slopes_to_points(const int m, const vec *d, const long step, vec *to) {
    if (m == 4) {
        const vec d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step];
        const vec even_a = d0 + AA * d2, odd_a = POINT_A * d1 + POINT_A * AA * d3;
        const vec even_b = d0 + BB * d2, odd_b = POINT_B * d1 + POINT_B * BB * d3;
        to[0] = d0;
        to[1] = even_a + odd_a;
        to[2] = even_a - odd_a;
        to[3] = even_b + odd_b;
        to[4] = even_b - odd_b;
        to[5] = d3;
    } else {
        const vec d0 = d[0], d1 = d[step], d2 = d[2 * step];
        const vec ends = d0 + d2;
        to[0] = d0;
        to[1] = ends + d1;
        to[2] = ends - d1;
        to[3] = d0 + 2 * d1 + 4 * d2;
        to[4] = d2;
    }
}

/* The rows of G */
#define WINOGRAD_G4                                                               \
    {{1 / (AA * BB), 0, 0},                                                       \
     {1 / (2 * AA * (AA - BB)), POINT_A / (2 * AA * (AA - BB)), 1 / (2 * (AA - BB))},  \
     {1 / (2 * AA * (AA - BB)), -POINT_A / (2 * AA * (AA - BB)), 1 / (2 * (AA - BB))}, \
     {1 / (2 * BB * (BB - AA)), POINT_B / (2 * BB * (BB - AA)), 1 / (2 * (BB - AA))},  \
     {1 / (2 * BB * (BB - AA)), -POINT_B / (2 * BB * (BB - AA)), 1 / (2 * (BB - AA))}, \
     {0, 0, 1}}
#define WINOGRAD_G3                                   \
    {{(real)1 / 2, 0, 0},                             \
     {-(real)1 / 2, -(real)1 / 2, -(real)1 / 2},      \
     {-(real)1 / 6, (real)1 / 6, -(real)1 / 6},       \
     {(real)1 / 6, (real)1 / 3, (real)2 / 3},         \
     {0, 0, 1}}
static const real winograd_g4[6][3] = WINOGRAD_G4;
static const real winograd_g3[6][3] = WINOGRAD_G3;

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

/* ---- Both gradients ---- */

/* The m rows of slopes of one output from row `top` on, carried over column by column. Lanes
 * outside `alive` are 0 from here on. */
INLINE void winograd_slope_lines(struct place *at, line_finder *find, line_value *value,
                                 line_leaver *leave, int o, int top, const struct winograd s,
                                 vec *lines, const int width) {
    const int m = s.m, n = m + 2, whole = top + m <= s.out_height;
    const mask alive = at->alive;
    struct line found[6];
    winograd_find(at, find, o, top, m, s.out_height, found);
    for (int i = 0; i < n; i++)
        for (int w = s.out_width; w < width; w++) lines[i * width + w] = (vec){0};
    for (int w = 0; w < s.out_width; w++) {
        vec before[6], column[6];
        if (whole)
            winograd_column(value, found, w, top, m, s.out_height, 1, before);
        else
            winograd_column(value, found, w, top, m, s.out_height, 0, before);
        UNROLL for (int i = 0; i < m; i++) before[i] = (vec)((mask)before[i] & alive);
        winograd_slopes_to_points(m, before, 1, column);
        UNROLL for (int i = 0; i < n; i++) lines[i * width + w] = column[i];
    }
    UNROLL for (int i = 0; i < m; i++)
        if (top + i < s.out_height) leave(at, o, &found[i]);
}

/* And row by row. */
INLINE void winograd_slope_band(const int m, const vec *lines, vec *values, const long stride,
                                const int tiles) {
    const int n = m + 2, width = tiles * m;
    for (int i = 0; i < n; i++)
        for (int t = 0; t < tiles; t++) {
            vec row[6];
            winograd_slopes_to_points(m, lines + i * width + t * m, 1, row);
            UNROLL for (int j = 0; j < n; j++) values[(i * n + j) * stride + t] = row[j];
        }
}

/* sums[o][c] (+)= Σ slopes[o][t] · values[c][t] for a block of outputs and of inputs */
INLINE void winograd_slopes_block(const vec *slopes, const vec *values, few *sums,
                                  const int inputs, const int tiles, const int block,
                                  const int deep, const int begin) {
    vec sum[MOST];
    UNROLL for (int k = 0; k < block * deep; k++) sum[k] = (vec){0};
    for (int t = 0; t < tiles; t++) {
        vec x[MOST];
        UNROLL for (int c = 0; c < deep; c++) {
            x[c] = values[c * tiles + t];
            IN_REGISTER(x[c]);
        }
        UNROLL for (int o = 0; o < block; o++) {
            vec d = slopes[o * tiles + t];
            IN_REGISTER(d);
            UNROLL for (int c = 0; c < deep; c++) sum[o * deep + c] += d * x[c];
        }
    }
    UNROLL for (int o = 0; o < block; o++)
        UNROLL for (int c = 0; c < deep; c++) {
            few *to = sums + o * inputs + c;
            const few own = folded(sum[o * deep + c]);
            *to = begin ? own : *to + own;
        }
}

INLINE void winograd_slopes_of(const vec *slopes, const vec *values, few *sums, const int inputs,
                               const int tiles, const int block, const int deep, const int begin) {
    int c = 0;
    for (; c + deep <= inputs; c += deep)
        winograd_slopes_block(slopes, values + c * tiles, sums + c, inputs, tiles, block, deep,
                              begin);
    if (inputs % deep)
        winograd_slopes_block(slopes, values + c * tiles, sums + c, inputs, tiles, block,
                              inputs % deep, begin);
}

/* At one point: sums[outputs][inputs] (+)= slopes[outputs][tiles] · values[inputs][tiles]ᵀ */
INLINE void winograd_slopes_multiply(const vec *slopes, const vec *values, few *sums,
                                     const int outputs, const int inputs, const int tiles,
                                     const int block, const int deep, const int begin) {
    int o = 0;
    for (; o + block <= outputs; o += block)
        winograd_slopes_of(slopes + o * tiles, values, sums + (long)o * inputs, inputs, tiles,
                           block, deep, begin);
    if (outputs % block)
        winograd_slopes_of(slopes + o * tiles, values, sums + (long)o * inputs, inputs, tiles,
                           outputs % block, deep, begin);
}

/* The patches of a band of one input, added up where they overlap: m rows are whole, two more
 * wait in `carried` for the next band. */
INLINE void winograd_patches(const int m, const vec *products, const long stride, vec *lines,
                             vec *carried, const int width, const int tiles) {
    const int n = m + 2;
    for (int i = 0; i < n; i++) {
        vec *line = lines + i * width, patch[6], before[2] = {{0}, {0}};
        for (int t = 0; t < tiles; t++, line += m) {
            winograd_to_patch(m, products + i * n * stride + t, stride, patch);
            line[0] = patch[0] + before[0];
            line[1] = patch[1] + before[1];
            UNROLL for (int j = 2; j < m; j++) line[j] = patch[j];
            before[0] = patch[m];
            before[1] = patch[m + 1];
        }
        line[0] = before[0];
        line[1] = before[1];
    }
    for (int w = 0; w < width; w++) {
        vec patch[6];
        winograd_to_patch(m, lines + w, width, patch);
        lines[w] = patch[0] + carried[w];
        lines[width + w] = patch[1] + carried[width + w];
        UNROLL for (int i = 2; i < m; i++) lines[i * width + w] = patch[i];
        carried[w] = patch[m];
        carried[width + w] = patch[m + 1];
    }
}

/* points[n·n][outputs][inputs] for the weights, summed over places and lanes, and the gradient of
 * the input: both read the same slopes at the points, and what is multiplied for the first gives
 * its place to the second. `s` is the convolution; `bands` of m rows of slopes go together.
 * Scratch: n lines, two carried for each input, values[n·n][inputs][tiles],
 * slopes[n·n][outputs][tiles], and of the sums FEW numbers for each pair at each point. */
INLINE void winograd_gradients(struct place *at, line_finder *find_d, line_value *value_d,
                               line_finder *find_x, line_value *value_x, line_leaver *leave,
                               row_finisher *finish, const real *weights, real *points,
                               const struct winograd s, const int bands, const int block,
                               const int deep, const int block_back, const int wide_back) {
    const int m = s.m, n = m + 2;
    const int across = (s.out_width + m - 1) / m, tiles = across * bands, width = across * m + 2;
    const long in_slot = WINOGRAD_STRIDE(s.inputs, tiles);
    const long out_slot = WINOGRAD_STRIDE(s.outputs, tiles);
    const int pairs = s.outputs * s.inputs;
    vec *lines = at->scratch, *carried = lines + n * width,
        *values = carried + 2 * s.inputs * width, *slopes = values + n * n * in_slot;
    few *sums = (few *)(slopes + n * n * out_slot);
    memset(carried, 0, sizeof(vec) * 2 * s.inputs * width);
    int top = -s.pad; /* the next row of the input to finish */
    for (int first = 0; first < s.out_height; first += m * bands) {
        for (int b = 0; b < bands; b++) {
            const int h = first + b * m;
            for (int c = 0; c < s.inputs; c++) {
                winograd_lines(at, find_x, value_x, c, h - s.pad, s, lines, width);
                winograd_band(m, lines, values + c * tiles + b * across, in_slot, across);
            }
            for (int o = 0; o < s.outputs; o++) {
                winograd_slope_lines(at, find_d, value_d, leave, o, h, s, lines, width - 2);
                winograd_slope_band(m, lines, slopes + o * tiles + b * across, out_slot, across);
            }
        }
        for (int k = 0; k < n * n; k++) {
            vec *d = slopes + k * out_slot, *x = values + k * in_slot;
            winograd_slopes_multiply(d, x, sums + (long)k * pairs, s.outputs, s.inputs, tiles,
                                     block, deep, first == 0);
            winograd_multiply(weights + (long)k * pairs, d, x, s.inputs, s.outputs, tiles,
                              block_back, wide_back);
        }
        for (int b = 0; b < bands; b++, top += m)
            for (int c = 0; c < s.inputs; c++) {
                winograd_patches(m, values + c * tiles + b * across, in_slot, lines,
                                 carried + 2 * c * width, width, across);
                for (int i = 0; i < m; i++)
                    if (top + i >= 0 && top + i < s.in_height)
                        finish(at, top + i, c, lines + i * width + s.pad);
            }
    }
    for (int i = 0; i < 2 && top + i < s.in_height; i++)
        for (int c = 0; c < s.inputs; c++)
            finish(at, top + i, c, carried + (2 * c + i) * width + s.pad);
    sum_few(sums, n * n * pairs, points);
}

/* weights[outputs·inputs][3][3] = Gᵀ points G; a vector has a pair of channels in each lane. */
APART void winograd_to_weights(const real *points, real *weights, const int m, const int pairs) {
    const int n = m + 2;
    const real(*G)[3] = m == 4 ? winograd_g4 : winograd_g3;
    for (int first = 0; first < pairs; first += LANES) {
        const int count = first + LANES <= pairs ? LANES : pairs - first;
        vec half[3][6];
        for (int j = 0; j < n; j++) {
            for (int a = 0; a < 3; a++) half[a][j] = (vec){0};
            for (int i = 0; i < n; i++) {
                vec point = {0};
                memcpy(&point, points + (long)(i * n + j) * pairs + first, sizeof(real) * count);
                for (int a = 0; a < 3; a++) half[a][j] += G[i][a] * point;
            }
        }
        for (int a = 0; a < 3; a++)
            for (int b = 0; b < 3; b++) {
                vec sum = {0};
                for (int j = 0; j < n; j++) sum += half[a][j] * G[j][b];
                for (int l = 0; l < count; l++)
                    weights[(long)(first + l) * 9 + a * 3 + b] = sum[l];
            }
    }
}
