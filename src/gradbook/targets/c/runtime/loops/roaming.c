/* Windows that move on by other steps down than across, that read with gaps or, of pools, have
 * padding: what they read is gathered row by row. */

/* How a window of rows × columns goes over height × width: its place (h, w) begins `top` rows
 * before row h·down, and `left` columns before column w·across. */
struct roaming {
    int rows, columns, height, width, out_height, out_width;
    int down, across, top, left;
    int tall, wide; /* rows and columns from one that it reads to the next */
};

/* How what is read lies in rows and columns of which only each `down`-th and `across`-th is there,
 * as gradients do behind steps. */
struct apart {
    int down, across;
};

/* Row h of what lies under one row and column of the window, for each place: `c` counts these for
 * one channel after the other. Zeros lie beyond what is read. */
INLINE const vec *gather(struct place *at, row_reader *read, const int h, const int c, vec *room,
                         vec *line, const struct roaming s, const struct apart given) {
    const int own = c % (s.rows * s.columns), i = own / s.columns, j = own % s.columns;
    const int y = h * s.down + i * s.tall - s.top, first = j * s.wide - s.left;
    if (y < 0 || y % given.down || y / given.down >= s.height)
        return memset(room, 0, sizeof(vec) * s.out_width);
    const vec *row = read(at, y / given.down, c / (s.rows * s.columns), line);
    for (int w = 0; w < s.out_width; w++) {
        const int x = w * s.across + first;
        const int there = x >= 0 && x % given.across == 0 && x / given.across < s.width;
        room[w] = there ? row[x / given.across] : (vec){0};
    }
    return room;
}

/* ---- Pools ---- */

/* How much of their padding averages count: nothing, or so much on each side. */
struct counted {
    int above, before, below, after;
};

/* Which of its rows, or columns, at a place that begins at `first`, lie from `low` to below `high`:
 * how many. */
INLINE int counted_along(const int first, const int gap, const int size, const int low,
                         const int high) {
    int count = 0;
    for (int k = 0; k < size; k++) count += first + k * gap >= low && first + k * gap < high;
    return count;
}

INLINE real divisor(const int h, const int w, const struct roaming s, const struct counted n) {
    const int down = counted_along(h * s.down - s.top, s.tall, s.rows, -n.above, s.height + n.below);
    const int across =
        counted_along(w * s.across - s.left, s.wide, s.columns, -n.before, s.width + n.after);
    return (real)(down * across);
}

/* What lies at column w of the place under row i and column j, or NULL. */
INLINE const vec *under(const vec *const *rows, const int w, const int i, const int j,
                        const struct roaming s) {
    const int x = w * s.across + j * s.wide - s.left;
    return rows[i] && x >= 0 && x < s.width ? rows[i] + x : NULL;
}

INLINE vec largest_under(const vec *const *rows, const int w, const struct roaming s) {
    const vec *first = NULL;
    vec most = {0};
    for (int i = 0; i < s.rows; i++)
        for (int j = 0; j < s.columns; j++) {
            const vec *x = under(rows, w, i, j, s);
            if (!x) continue;
            most = first ? largest(*x, most) : *x;
            first = x;
        }
    return most;
}

INLINE vec sum_under(const vec *const *rows, const int w, const struct roaming s) {
    vec sum = {0};
    for (int i = 0; i < s.rows; i++)
        for (int j = 0; j < s.columns; j++) {
            const vec *x = under(rows, w, i, j, s);
            if (x) sum += *x;
        }
    return sum;
}

/* The largest, or else the mean. Scratch: `rows` rows of x, then one of the result. */
INLINE void pool_roaming(struct place *at, row_reader *read, row_finisher *finish,
                         const int channels, const int largest_only, const struct roaming s,
                         const struct counted n) {
    vec *x = at->scratch, *y = x + s.rows * s.width;
    const vec *rows[s.rows];
    for (int h = 0; h < s.out_height; h++)
        for (int c = 0; c < channels; c++) {
            for (int i = 0; i < s.rows; i++) {
                const int row = h * s.down + i * s.tall - s.top, there = row >= 0 && row < s.height;
                rows[i] = there ? read(at, row, c, x + i * s.width) : NULL;
            }
            for (int w = 0; w < s.out_width; w++)
                y[w] = largest_only ? largest_under(rows, w, s)
                                    : sum_under(rows, w, s) / divisor(h, w, s, n);
            finish(at, h, c, y);
        }
}

/* What the window at a place was given, d, goes to the first of its largest values; or, where
 * nothing is read, to all of them the same. `to` are the rows of the result. */
INLINE void give_under(vec d, const vec *const *rows, const int h, const int w,
                       const int largest_only, vec *to, const struct roaming s) {
    const vec most = largest_only ? largest_under(rows, w, s) : (vec){0};
    for (int i = 0; i < s.rows; i++)
        for (int j = 0; j < s.columns; j++) {
            const int y = h * s.down + i * s.tall - s.top, x = w * s.across + j * s.wide - s.left;
            if (y < 0 || y >= s.height || x < 0 || x >= s.width) continue;
            vec *here = to + (long)y * s.width + x, share = d;
            if (largest_only) {
                share = if_equal(rows[i][x], most, d, (vec){0});
                d = if_equal(rows[i][x], most, (vec){0}, d);
            }
            *here += share;
        }
}

/* The gradient: a channel at a time. Without `read_x` of the mean. Scratch: all rows of x and of
 * the result, and one row of d. */
INLINE void pool_roaming_back(struct place *at, row_reader *read_d, row_reader *read_x,
                              row_finisher *finish, const int channels, const struct roaming s,
                              const struct counted n) {
    const long whole = (long)s.height * s.width;
    vec *x = at->scratch, *to = x + whole, *room = to + whole;
    const vec *all[s.height], *rows[s.rows];
    for (int c = 0; c < channels; c++) {
        memset(to, 0, sizeof(vec) * whole);
        for (int h = 0; h < s.height; h++)
            all[h] = read_x ? read_x(at, h, c, x + h * s.width) : NULL;
        for (int h = 0; h < s.out_height; h++) {
            const vec *given = read_d(at, h, c, room);
            for (int i = 0; i < s.rows; i++) {
                const int row = h * s.down + i * s.tall - s.top;
                rows[i] = row >= 0 && row < s.height ? all[row] : NULL;
            }
            for (int w = 0; w < s.out_width; w++)
                give_under(read_x ? given[w] : given[w] / divisor(h, w, s, n), rows, h, w,
                           read_x != NULL, to, s);
        }
        for (int h = 0; h < s.height; h++) finish(at, h, c, to + h * s.width);
    }
}
