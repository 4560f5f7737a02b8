/* The inputs of a maker while it makes one row. */
struct view {
    const struct maker *from;
    const value *rows[TALLEST]; /* of the map that it reads */
    const struct maker *other;  /* the maker and row of the second input, if it has two */ //: two
    const value *others; //: two
    const sample *given;
    int row;
};
