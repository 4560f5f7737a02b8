/* Where a map's rows lie: row y in slot y % depth of its part of the arena. */
//: kept
static value beyond[BEYOND]; //: beyond

static int row_length(const struct maker *map)
{
    return (map->columns + 2 * map->edge) * map->channels;
}

static value *slot(const struct maker *map, int row)
{
    return arena + map->start + (row % map->depth) * row_length(map);
}

/* A row from so many columns before the map on. What lies above or below the map is edge alone. */
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
