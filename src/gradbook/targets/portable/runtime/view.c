/* What a maker sees while it makes one row. */
struct view {
    const struct maker *from;
    const value *rows[TALLEST]; /* of the map that it reads */
    const struct maker *other;  /* and the second one's maker and row, where it reads two */ //: two
    const value *others; //: two
    const sample *given;
    int row;
};
