/* Channels laid side by side, or some of them taken out. */

/* So many channels, from `from` on, as channels from `to` on. Scratch: a row. */
INLINE void copy_channels(struct place *at, row_reader *read, row_finisher *finish, const int from,
                          const int to, const int channels, const int height, const int width) {
    (void)width;
    for (int h = 0; h < height; h++)
        for (int c = 0; c < channels; c++)
            finish(at, h, to + c, read(at, h, from + c, at->scratch));
}
