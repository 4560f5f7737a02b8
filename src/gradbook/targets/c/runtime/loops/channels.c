/* Channels laid side by side, some of them taken out or put elsewhere, or all of a place added up. */

/* So many channels, from `from` on, as channels from `to` on. Scratch: a row. */
INLINE void copy_channels(struct place *at, row_reader *read, row_finisher *finish, const int from,
                          const int to, const int channels, const int height, const int width) {
    (void)width;
    for (int h = 0; h < height; h++)
        for (int c = 0; c < channels; c++)
            finish(at, h, to + c, read(at, h, from + c, at->scratch));
}

/* The channels (0), rows (1) or columns (2) that are listed, where -1 is one of zeros. Scratch: a row
 * of what is read, and one of what is made. */
INLINE void pick(struct place *at, row_reader *read, row_finisher *finish, const int along,
                 const int *from, const int channels, const int height, const int width,
                 const int given_width) {
    vec *given = at->scratch, *row = given + given_width;
    for (int h = 0; h < height; h++)
        for (int c = 0; c < channels; c++) {
            const int channel = along == 0 ? from[c] : c, line = along == 1 ? from[h] : h;
            if (along < 2 && channel >= 0 && line >= 0) {
                finish(at, h, c, read(at, line, channel, given));
                continue;
            }
            const vec *x = along == 2 ? read(at, h, c, given) : given;
            for (int w = 0; w < width; w++)
                row[w] = along == 2 && from[w] >= 0 ? x[from[w]] : (vec){0};
            finish(at, h, c, row);
        }
}

/* At each place, over its channels. Scratch: two rows. */
INLINE void sum_channels(struct place *at, row_reader *read, row_finisher *finish,
                         const int channels, const int height, const int width) {
    vec *x = at->scratch, *sum = x + width;
    for (int h = 0; h < height; h++) {
        for (int w = 0; w < width; w++) sum[w] = (vec){0};
        for (int c = 0; c < channels; c++) {
            const vec *row = read(at, h, c, x);
            for (int w = 0; w < width; w++) sum[w] += row[w];
        }
        finish(at, h, 0, sum);
    }
}
