/* Both gradients of a convolution by Winograd's way, in one loop. */

/* The m rows of gradients of one output from row `top` on, carried over column by column. Lanes
 * outside `alive` are 0 from here on. */
INLINE void winograd_gradient_lines(struct place *at, line_finder *find, line_value *value,
                                    line_leaver *leave, int o, int top, const struct winograd s,
                                    const int m, vec *lines, const int width) {
    const int whole = top + m <= s.out_height;
    const mask alive = at->alive;
    struct line found[6];
    winograd_find(at, find, o, top, m, s.out_height, found);
    for (int i = 0; i < POINTS; i++)
        for (int w = s.out_width; w < width; w++) lines[i * width + w] = (vec){0};
    for (int w = 0; w < s.out_width; w++) {
        vec before[6], column[POINTS];
        if (whole)
            winograd_column(value, found, w, top, m, s.out_height, 1, before);
        else
            winograd_column(value, found, w, top, m, s.out_height, 0, before);
        UNROLL for (int i = 0; i < m; i++) before[i] = (vec)((mask)before[i] & alive);
        winograd_gradients_to_points(m, before, 1, column);
        UNROLL for (int i = 0; i < POINTS; i++)
            if (HAS_POINT(m, i)) lines[i * width + w] = column[i];
    }
    UNROLL for (int i = 0; i < m; i++)
        if (top + i < s.out_height) leave(at, o, &found[i]);
}

/* Tiles of m columns along a line. */
INLINE void winograd_gradient_tiles(const int m, const vec *line, vec *values, const long stride,
                                    const int tiles) {
    for (int t = 0; t < tiles; t++) {
        vec row[POINTS];
        winograd_gradients_to_points(m, line + t * m, 1, row);
        UNROLL for (int j = 0; j < POINTS; j++)
            if (HAS_POINT(m, j)) values[j * stride + t] = row[j];
    }
}

/* And row by row. */
INLINE void winograd_gradient_band(const int m, const vec *lines, const int width, vec *values,
                                   const long stride, const struct bands g, int band) {
    for (int i = 0; i < POINTS; i++)
        if (HAS_POINT(m, i)) {
            const vec *line = lines + i * width;
            vec *to = values + i * POINTS * stride;
            winograd_gradient_tiles(4, line, to + broad_tiles(g, band), stride, g.broad);
            winograd_gradient_tiles(3, line + 4 * g.broad, to + narrow_tiles(g, band), stride,
                                    g.narrow);
        }
}

/* sums[o][c] (+)= Σ gradients[o][t] · values[c][t] for a block of outputs and of inputs */
INLINE void winograd_gradients_block(const vec *gradients, const vec *values, few *sums,
                                     const int inputs, const int tiles, const int count,
                                     const int block, const int deep, const int begin) {
    vec sum[MOST];
    UNROLL for (int k = 0; k < block * deep; k++) sum[k] = (vec){0};
    for (int t = 0; t < count; t++) {
        vec x[MOST];
        UNROLL for (int c = 0; c < deep; c++) {
            x[c] = values[c * tiles + t];
            IN_REGISTER(x[c]);
        }
        UNROLL for (int o = 0; o < block; o++) {
            vec d = gradients[o * tiles + t];
            IN_REGISTER(d);
            UNROLL for (int c = 0; c < deep; c++) sum[o * deep + c] += d * x[c];
        }
    }
    UNROLL for (int o = 0; o < block; o++)
        fold(sum + o * deep, deep, begin, sums + o * inputs);
}

INLINE void winograd_gradients_of(const vec *gradients, const vec *values, few *sums,
                                  const int inputs, const int tiles, const int count,
                                  const int block, const int deep, const int begin) {
    int c = 0;
    for (; c + deep <= inputs; c += deep)
        winograd_gradients_block(gradients, values + c * tiles, sums + c, inputs, tiles, count,
                                 block, deep, begin);
    if (inputs % deep)
        winograd_gradients_block(gradients, values + c * tiles, sums + c, inputs, tiles, count,
                                 block, inputs % deep, begin);
}

/* At one point: sums[outputs][inputs] (+)= gradients[outputs][tiles] · values[inputs][tiles]ᵀ, for
 * `count` of the tiles */
INLINE void winograd_gradients_multiply(const vec *gradients, const vec *values, few *sums,
                                        const int outputs, const int inputs, const int tiles,
                                        const int count, const int block, const int deep,
                                        const int begin) {
    int o = 0;
    for (; o + block <= outputs; o += block)
        winograd_gradients_of(gradients + o * tiles, values, sums + (long)o * inputs, inputs, tiles,
                              count, block, deep, begin);
    if (outputs % block)
        winograd_gradients_of(gradients + o * tiles, values, sums + (long)o * inputs, inputs, tiles,
                              count, outputs % block, deep, begin);
}

/* The patches of m columns along a line, added up where they overlap. What reaches beyond a tile
 * is in `beyond`, before and after. */
INLINE void winograd_patch_tiles(const int m, const vec *products, const long stride, vec *line,
                                 vec *beyond, const int tiles) {
    for (int t = 0; t < tiles; t++, line += m) {
        vec patch[6];
        winograd_to_patch(m, products + t, stride, patch);
        line[0] = patch[0] + beyond[0];
        line[1] = patch[1] + beyond[1];
        UNROLL for (int j = 2; j < m; j++) line[j] = patch[j];
        beyond[0] = patch[m];
        beyond[1] = patch[m + 1];
    }
}

/* The patches of a band of one input, added up where they overlap: m rows are whole, two more
 * wait in `carried` for the next band. */
INLINE void winograd_patches(const int m, const vec *products, const long stride, vec *lines,
                             vec *carried, const int width, const struct bands g, int band) {
    for (int i = 0; i < POINTS; i++)
        if (HAS_POINT(m, i)) {
            const vec *from = products + i * POINTS * stride;
            vec *line = lines + i * width, beyond[2] = {{0}, {0}};
            winograd_patch_tiles(4, from + broad_tiles(g, band), stride, line, beyond, g.broad);
            line += 4 * g.broad;
            winograd_patch_tiles(3, from + narrow_tiles(g, band), stride, line, beyond, g.narrow);
            line += 3 * g.narrow;
            line[0] = beyond[0];
            line[1] = beyond[1];
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

/* Where the two gradients of a convolution work: what a group leaves to the next is `carried`
 * rows and `sums`. */
struct room {
    vec *lines, *carried, *values, *gradients;
    few *sums;
    long in_slot, out_slot;
    int width;
};

INLINE void winograd_read_both(struct place *at, line_finder *find_d, line_value *value_d,
                               line_finder *find_x, line_value *value_x, line_leaver *leave,
                               const struct winograd s, const struct bands g, const struct room r,
                               const int m, int top, int band) {
    const int tiles = group_tiles(g);
    for (int c = 0; c < s.inputs; c++) {
        winograd_lines(at, find_x, value_x, c, top - s.pad, s, m, r.lines, r.width);
        winograd_band(m, r.lines, r.width, r.values + c * tiles, r.in_slot, g, band);
    }
    for (int o = 0; o < s.outputs; o++) {
        winograd_gradient_lines(at, find_d, value_d, leave, o, top, s, m, r.lines, r.width - 2);
        winograd_gradient_band(m, r.lines, r.width - 2, r.gradients + o * tiles, r.out_slot, g,
                               band);
    }
}

/* From row `top` of the input on. */
INLINE void winograd_finish_both(struct place *at, row_finisher *finish, const struct winograd s,
                                 const struct bands g, const struct room r, const int m, int top,
                                 int band) {
    const int tiles = group_tiles(g);
    for (int c = 0; c < s.inputs; c++) {
        winograd_patches(m, r.values + c * tiles, r.in_slot, r.lines,
                         r.carried + 2 * c * r.width, r.width, g, band);
        for (int i = 0; i < m; i++)
            if (top + i >= 0 && top + i < s.in_height)
                finish(at, top + i, c, r.lines + i * r.width + s.pad);
    }
}

INLINE void winograd_group_both(struct place *at, line_finder *find_d, line_value *value_d,
                                line_finder *find_x, line_value *value_x, line_leaver *leave,
                                row_finisher *finish, const real *weights,
                                const struct winograd s, const struct bands g, const struct room r,
                                const int first, const int block, const int deep,
                                const int block_back, const int wide_back, const int rest) {
    const int tiles = group_tiles(g), bands = g.tall + g.low, pairs = s.outputs * s.inputs;
    for (int b = 0; b < bands; b++) {
        const int top = first + rows_before(g, b);
        if (b < g.tall)
            winograd_read_both(at, find_d, value_d, find_x, value_x, leave, s, g, r, 4, top, b);
        else
            winograd_read_both(at, find_d, value_d, find_x, value_x, leave, s, g, r, 3, top, b);
    }
    for (int k = 0; k < POINTS * POINTS; k++) {
        const struct share own = share_of(g, k);
        vec *d = r.gradients + k * r.out_slot + own.first;
        vec *x = r.values + k * r.in_slot + own.first;
        winograd_gradients_multiply(d, x, r.sums + (long)k * pairs, s.outputs, s.inputs, tiles,
                                    own.count, block, deep, first == 0);
        winograd_multiply(weights + (long)k * pairs, d, x, s.inputs, s.outputs, tiles, own.count,
                          block_back, wide_back, rest);
    }
    for (int b = 0; b < bands; b++) {
        const int top = first + rows_before(g, b) - s.pad;
        if (b < g.tall)
            winograd_finish_both(at, finish, s, g, r, 4, top, b);
        else
            winograd_finish_both(at, finish, s, g, r, 3, top, b);
    }
}

/* points[6·6][outputs][inputs] for the weights, summed over places and lanes, and the gradient of
 * the input: both read the same gradients at the points, and what is multiplied for the first gives
 * its place to the second. `s` is the convolution; bands go together as in winograd_conv.
 * Scratch: 6 lines, two carried for each input, values[6·6][inputs][tiles],
 * gradients[6·6][outputs][tiles], and of the sums FEW numbers for each pair at each point. */
INLINE void winograd_gradients(struct place *at, line_finder *find_d, line_value *value_d,
                               line_finder *find_x, line_value *value_x, line_leaver *leave,
                               row_finisher *finish, const real *weights, real *points,
                               const struct winograd s, const int tall, const int low,
                               const int both, const int block, const int deep,
                               const int block_back, const int wide_back, const int rest) {
    const int bands = both ? tall + low : tall > low ? tall : low;
    const int tiles = bands * (s.broad + s.narrow), width = 4 * s.broad + 3 * s.narrow + 2;
    const long in_slot = WINOGRAD_STRIDE(s.inputs, tiles);
    const long out_slot = WINOGRAD_STRIDE(s.outputs, tiles);
    vec *lines = at->scratch, *carried = lines + POINTS * width,
        *values = carried + 2 * s.inputs * width, *gradients = values + POINTS * POINTS * in_slot;
    few *sums = (few *)(gradients + POINTS * POINTS * out_slot);
    const struct room r = {lines, carried, values, gradients, sums, in_slot, out_slot, width};
    memset(carried, 0, sizeof(vec) * 2 * s.inputs * width);
    if (both) {
        winograd_group_both(at, find_d, value_d, find_x, value_x, leave, finish, weights, s,
                            (struct bands){tall, low, s.broad, s.narrow}, r, 0, block, deep,
                            block_back, wide_back, rest);
    } else {
        for (int b = 0; b < s.tall; b += tall)
            winograd_group_both(at, find_d, value_d, find_x, value_x, leave, finish, weights, s,
                                (struct bands){tall, 0, s.broad, s.narrow}, r, 4 * b, block, deep,
                                block_back, wide_back, rest);
        for (int b = 0; b < s.low; b += low)
            winograd_group_both(at, find_d, value_d, find_x, value_x, leave, finish, weights, s,
                                (struct bands){0, low, s.broad, s.narrow}, r, 4 * s.tall + 3 * b,
                                block, deep, block_back, wide_back, rest);
    }
    const int end = 4 * s.tall + 3 * s.low - s.pad;
    for (int i = 0; i < 2 && end + i < s.in_height; i++)
        for (int c = 0; c < s.inputs; c++)
            finish(at, end + i, c, carried + (2 * c + i) * width + s.pad);
    sum_few(sums, POINTS * POINTS * s.outputs * s.inputs, points);
}

/* weights[outputs·inputs][3][3] = Gᵀ points G; a vector has a pair of channels in each lane. */
APART void winograd_to_weights(const real *points, real *weights, const int pairs) {
    const real(*G)[3] = winograd_g;
    for (int first = 0; first < pairs; first += LANES) {
        const int count = first + LANES <= pairs ? LANES : pairs - first;
        vec half[3][POINTS];
        for (int j = 0; j < POINTS; j++) {
            for (int a = 0; a < 3; a++) half[a][j] = (vec){0};
            for (int i = 0; i < POINTS; i++) {
                vec point = {0};
                memcpy(&point, points + (long)(i * POINTS + j) * pairs + first,
                       sizeof(real) * count);
                for (int a = 0; a < 3; a++) half[a][j] += G[i][a] * point;
            }
        }
        for (int a = 0; a < 3; a++)
            for (int b = 0; b < 3; b++) {
                vec sum = {0};
                for (int j = 0; j < POINTS; j++) sum += half[a][j] * G[j][b];
                for (int l = 0; l < count; l++)
                    weights[(long)(first + l) * 9 + a * 3 + b] = sum[l];
            }
    }
}
