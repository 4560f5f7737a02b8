/* How values pass in and out of a loop that is written by hand.
 *
 * A reader gives one row of one channel, as it lies in memory or computed into the room it is
 * offered: `row = read(at, h, c, room)`. A finisher is given one: `finish(at, h, c, row)`. All
 * sizes are constants where these functions are inlined, so every loop over a block of registers
 * is unrolled. */

#define MOST 32 /* vectors that a block of sums keeps in registers */

typedef const vec *row_reader(struct place *at, int h, int c, vec *room);
typedef void row_finisher(struct place *at, int h, int c, const vec *row);

/* Or a row is read value by value, in registers: `line = find(at, h, c)` holds what is the same
 * along it, `value(&line, w)` computes one, and `leave(at, c, &line)` takes the line's sums. */
typedef struct line line_finder(struct place *at, int h, int c);
typedef vec line_value(struct line *line, int w);
typedef void line_leaver(struct place *at, int c, const struct line *line);

INLINE void leave_nothing(struct place *at, int c, const struct line *line) {
    (void)at, (void)c, (void)line;
}

/* A row in a place of our own */
INLINE void read_into(struct place *at, row_reader *read, int h, int c, vec *to, const int width) {
    const vec *row = read(at, h, c, to);
    if (row != to) memcpy(to, row, sizeof(vec) * width);
}
