/* Both gradients of a convolution by Winograd's way, in one loop. */

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
        fold(sum + o * deep, deep, begin, sums + o * inputs);
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
