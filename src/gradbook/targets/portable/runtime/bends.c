//: both
/* A level's result is looked up if products are slow; otherwise a parabola gives the same number:
   that of the last piece that doesn't begin after the level. */
#if defined(__AVR__) || (defined(__riscv) && !defined(__riscv_mul))
#define BENT_BY(table, piece) (table)
//: table
typedef const int8_t *bend;
#define BEND(which) ((which) ? bends + 256 * (which) - 128 : 0)

static inline value bent(bend middle, int32_t level)
{
    return READ(int8_t, middle + level);
}
//: else
#else
#define BENT_BY(table, piece) (piece)
//: pieces
typedef const int32_t *bend;
#define BEND(which) ((which) ? pieces + 3 * (which) - 3 : 0)

static inline value bent(bend piece, int32_t level)
{
    int32_t first, bending;
    while (level < (first = READ(int32_t, piece)) >> 24)
        piece -= 3;
    bending = ((int32_t)((uint32_t)first << 8) >> 8) * level + READ(int32_t, piece + 1);
    return (value)((bending * level + READ(int32_t, piece + 2)) >> POINT);
}
//: end
#endif
