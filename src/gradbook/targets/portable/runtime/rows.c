#define IS_BELOW(map, row) ((row) >= (map)->rows) //: no stream
#define GIVEN_ROW(row) (row) //: no stream
#define SERVING(map, row) (row) //: no stream
#define IS_BELOW(map, row) 0 /* steps may come without end, */ //: stream
#define GIVEN_ROW(row) 0     /* one at a time; */ //: stream
#define SERVING(map, row) ((row) < (map)->rows ? (row) : (map)->rows - 1) /* the last goes on */ //: stream

/* The address of a map's row: row y is in slot y % depth of its part of the arena. */
static value arena[ARENA]; //: no stream
static uint16_t made[MAKERS]; //: no stream
/* What is kept from step to step: rows, and how many were made of each map. */ //: stream
struct NAME_state { //: stream
    value rows[ARENA]; //: stream
    uint16_t made[MAKERS]; //: stream
}; //: stream
static struct NAME_state *now; /* the one that is worked on */ //: stream
#define arena (now->rows) //: stream
#define made (now->made) //: stream
static value beyond[BEYOND]; //: beyond

static int row_length(const struct maker *map)
{
    return (map->columns + 2 * map->edge) * map->channels;
}

static value *slot(const struct maker *map, int row)
{
    return arena + map->start + (row % map->depth) * row_length(map);
}

/* A row, beginning this many columns before the map. Above and below the map is only edge. */
static const value *row_of(const struct maker *map, int row, int before)
{
    const value *all = beyond; //: beyond
    if (row < 0 || IS_BELOW(map, row)) //: beyond
        for (int k = 0; k < row_length(map); k++) //: beyond
            beyond[k] = EDGE(map); //: beyond
    else //: beyond
        all = slot(map, row); //: beyond
    const value *all = slot(map, row); //: no beyond
    return all + (map->edge - before) * map->channels;
}
