/* ---- What an engine holds ---- */

#include <stddef.h>

#define GROUPS ((TILES + GROUP - 1) / GROUP)

struct engine {
    struct crew crew;
    struct job *job;
    int64_t first; /* the current step's first image */
    int count;     /* how many it has */
    int tiles;     /* and how many tiles they fill */
    int64_t step;
    int running;
    int right[TILES]; /* answers */
    int threads; /* at most; a call with few images takes fewer */
    struct place *places[MOST_THREADS];
    /* ENGINE */
};

/* Where a thread is: in which tile, with its own room to work in. */
struct place {
    struct engine *e;
    int thread;
    int tile;
    int back; /* going through the tiles from the last to the first */
    int lanes;     /* how many of the tile's lanes hold an image */
    mask alive;    /* which */
    int64_t first; /* the tile's first image */
    /* PLACE */
};

/* What is the same along one row of what a loop reads. */
struct line {
    struct place *at;
    int h, c;
    /* LINE */
};

/* How many images are in tile t */
INLINE int lanes_of(const struct engine *e, int t) {
    const int left = e->count - t * LANES;
    return left < LANES ? left : LANES;
}

APART void enter_tile(struct place *at, int tile) {
    at->tile = tile;
    at->lanes = lanes_of(at->e, tile);
    at->first = at->e->first + (int64_t)tile * LANES;
    for (int l = 0; l < LANES; l++) at->alive[l] = l < at->lanes ? -1 : 0;
}

/* Tiles go in groups, each of which one thread goes through in order. */
INLINE int groups_of(const struct engine *e) { return (e->tiles + GROUP - 1) / GROUP; }

/* A thread's groups, there and back: what the last phase left in the cache comes first. */
INLINE int turn_round(struct place *at) {
    const int threads = at->e->crew.threads, own = (groups_of(at->e) - at->thread - 1) / threads;
    at->back = !at->back;
    return at->back ? at->thread + own * threads : at->thread;
}

INLINE int in_tile(struct place *at, int tile) {
    const int inside = tile < at->e->tiles;
    if (inside) enter_tile(at, tile);
    return inside;
}

#define EACH_OF_MY_TILES(at)                                                          \
    for (int group = turn_round(at); group >= 0 && group < groups_of((at)->e);        \
         group += (at)->back ? -(at)->e->crew.threads : (at)->e->crew.threads)        \
        for (int tile = group * GROUP; tile < (group + 1) * GROUP && in_tile(at, tile); tile++)
#define MY_TURN(at, number) ((number) % (at)->e->crew.threads == (at)->thread)

APART void begin_step(struct engine *e) {
    const int64_t left = e->job->images - e->first;
    e->count = (int)(left < e->job->batch ? left : e->job->batch);
    e->tiles = (e->count + LANES - 1) / LANES;
    e->N[0] = (real)e->count;
    if (e->job->rates) e->rate[0] = (real)e->job->rates[e->step];
}

APART void end_step(struct engine *e, double loss) {
    struct job *job = e->job;
    if (job->losses) job->losses[e->step] = loss;
    if (job->right) {
        job->right[e->step] = 0;
        for (int t = 0; t < e->tiles; t++) job->right[e->step] += e->right[t];
    }
    e->step++;
    e->first += e->count;
    atomic_store(&job->done, e->step);
    e->running = e->first < job->images && !atomic_load(&job->stop);
    if (e->running) begin_step(e);
}

/* Everybody waits for the last, who computes `alone` first. */
INLINE void meet(struct place *at, void (*alone)(struct place *)) {
    crew_meet(&at->e->crew, (void (*)(void *))alone, at);
}

/* ---- How values pass in and out of a loop that is written by hand ---- */

/* A reader gives one row of one channel, as it lies in memory or computed into the room it is
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
