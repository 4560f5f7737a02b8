/* Channels laid side by side, some of them taken out, or all of a place added up. */

/* So many channels, from `from` on, as channels from `to` on. Scratch: a row. */
INLINE void copy_channels(struct place *at, row_reader *read, row_finisher *finish, const int from,
                          const int to, const int channels, const int height, const int width) {
    (void)width;
    for (int h = 0; h < height; h++)
        for (int c = 0; c < channels; c++)
            finish(at, h, to + c, read(at, h, from + c, at->scratch));
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
