//: square_root
/* The square root, rounded down, bit by bit. */
static uint32_t square_root(uint64_t square)
{
    uint64_t root = 0;
    for (uint64_t bit = (uint64_t)1 << 62; bit > 0; bit >>= 2) {
        const uint64_t next = root + bit;
        root >>= 1;
        if (square >= next) {
            square -= next;
            root += bit;
        }
    }
    return (uint32_t)root;
}

//: spread
/* 2^60 over a root between 2^30 and 2^31, rounded down, without a library's division. */
static int32_t inverse(uint32_t root)
{
    uint32_t rest = (uint32_t)1 << 30, found = rest == root;
    rest -= found * root;
    for (int k = 0; k < 30; k++) {
        const uint32_t fits = 2 * rest >= root;
        rest = 2 * rest - fits * root;
        found = 2 * found + fits;
    }
    return (int32_t)found;
}

/* 1 over the deviation of this many values, in units of 2^-shift; returns the shift. */
static uint8_t spread_of(int64_t sum, int64_t squares, int64_t values, int64_t epsilon,
                         int32_t *share)
{
    /* The variance, times their number squared, scaled up so that its root has 31 bits. */
    uint64_t square = (uint64_t)(values * squares - sum * sum + epsilon);
    int shift = 60 - SPREAD_BITS;
    for (; square < (uint64_t)1 << 60; square <<= 2)
        shift--;
    *share = inverse(square_root(square));
    return (uint8_t)shift;
}

/* A level's distance from the mean in deviations, in units of 1 / 2^SPREAD_BITS. */
static total spreads_off(int32_t level, int32_t values, int32_t sum, int32_t share, int shift)
{
    const int64_t off = level * values - sum;
    return (total)((off * share + ((int64_t)1 << (shift - 1))) >> shift);
}

//: normed
/* Each group of channels has its sum over the map, and 1 over its deviation in units 2^-shift. */
static int32_t sums_of[GROUPS], shares[GROUPS];
static uint8_t shifts[GROUPS];

/* The number of values in a group. */
static int32_t values_of(const struct maker *own)
{
    return (int32_t)own->rows * own->columns * own->each;
}

static void measure_groups(const struct maker *own, const struct view *seen)
{
    const int wide = own->columns * own->channels;
    const int64_t values = values_of(own);
    for (int first = 0, group = own->group; first < own->channels; first += own->each, group++) {
        int64_t sum = 0, squares = 0;
        for (int row = 0; row < own->rows; row++)
            for (int x = first; x < wide; x += own->channels)
                for (int c = 0; c < own->each; c++) {
                    const int16_t level = seen->rows[row][x + c];
                    sum += level;
                    squares += (int16_t)(level * level);
                }
        sums_of[group] = (int32_t)sum;
        shifts[group] = spread_of(sum, squares, values, own->epsilon, &shares[group]);
    }
}

static total normed(const struct maker *own, const struct view *seen, int x, int c)
{
    const int group = own->group + c / own->each;
    if (seen->row == 0 && x == 0 && c == 0)
        measure_groups(own, seen);
    return spreads_off(seen->rows[seen->row][x * own->channels + c], values_of(own), sums_of[group],
                       shares[group], shifts[group]);
}

//: alone
static total alone(const struct maker *own, const struct view *seen, int x, int c)
{
    static int32_t sum_of, share;
    static uint8_t shift;
    const value *place = seen->rows[0] + x * own->channels;
    if (c == 0) {
        int64_t sum = 0, squares = 0;
        for (int k = 0; k < own->channels; k++) {
            const int16_t level = place[k];
            sum += level;
            squares += (int16_t)(level * level);
        }
        sum_of = (int32_t)sum;
        shift = spread_of(sum, squares, own->channels, own->epsilon, &share);
    }
    return spreads_off(place[c], own->channels, sum_of, share, shift);
}

//: placed
/* A place's shift is in units of SHIFT_UNIT products. */
static total placed(const struct maker *own, const struct view *seen, int x, int c)
{
    const int wide = own->columns * own->channels, k = x * own->channels + c;
    const value *scale = weights + own->weights + SERVING(own, seen->row) * wide + k;
    const total level = (total)seen->rows[0][k] - EDGE(seen->from);
    return READ(value, scale) * level + READ(value, scale + own->rows * wide) * (total)SHIFT_UNIT;
}

//: scaled
/* A sum in the units of a rule, which are 2^-15. */
static int32_t scaled(int32_t sum, int32_t factor, int shift)
{
    const int64_t half = (int64_t)1 << (shift - 1), most = (int64_t)1 << 28;
    const int64_t found = ((int64_t)sum * factor + half) >> shift;
    return (int32_t)(found > most ? most : found < -most ? -most : found);
}

//: times
static int32_t times(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + 16384) >> 15);
}

//: within
static total within(int64_t number, int32_t most)
{
    return (total)(number > most ? most : number < -most ? -most : number);
}

//: moved
/* Shift by this many bits; to the right with rounding. */
static total moved(int64_t number, int by)
{
    const int64_t half = by < 0 ? (int64_t)1 << -by >> 1 : 0;
    return within(by > 0 ? number * ((int64_t)1 << by) : (number + half) >> -by, 268435456);
}

//: quotient
/* The quotient of two numbers, shifted up. */
static total quotient(total a, total b, int by)
{
    if (b == 0)
        return a > 0 ? 268435456 : a < 0 ? -268435456 : 0;
    return within((by > 0 ? a * ((int64_t)1 << by) : moved(a, by)) / b, 268435456);
}

//: root
/* The square root of a number that is shifted up. */
static total root(total x, int by)
{
    return within(square_root((uint64_t)(x > 0 ? x : 0) << by), 268435456);
}

//: larger
static total larger(total a, total b)
{
    return a > b ? a : b;
}

//: looked_up
/* A function of x, interpolated between its values at places 2^width apart. */
static total looked_up(const int32_t *table, total x, total low, int width)
{
    const total last = (total)(((int32_t)128 << width) - 1);
    const total off = x < low ? 0 : x - low, place = off < last ? off : last;
    const int32_t *at = table + (place >> width);
    const total first = READ(int32_t, at), step = READ(int32_t, at + 1) - first;
    const int64_t way = (int64_t)step * (place & (((total)1 << width) - 1));
    return first + (total)((way + ((int64_t)1 << width >> 1)) >> width);
}

//: upper
/* The upper byte of 16 bits, rounded. */
static int32_t upper(int32_t number)
{
    const int32_t level = (number + 128) >> 8;
    return level > 127 ? 127 : level < -128 ? -128 : level;
}

//: keep_two
/* Store a value for the next step: its upper byte, which others read, and its lower byte. */
static void keep_two(value *high, value *low, int32_t number, int shift)
{
    int32_t kept = shift ? (number + ((int32_t)1 << shift >> 1)) >> shift : number;
    kept = kept > 32639 ? 32639 : kept < -32768 ? -32768 : kept;
    *high = (value)((kept + 128) >> 8);
    *low = (value)(kept - 256 * (int32_t)*high);
}

//: sigmoid_of
/* Looked up at every sixteenth, and interpolated between these. */
static int32_t sigmoid_of(int32_t number)
{
    const int32_t size = number < 0 ? -number : number;
    const int32_t place = size < 262143 ? size : 262143;
    const uint16_t *at = curve + (place >> 11);
    const int32_t low = READ(uint16_t, at), high = READ(uint16_t, at + 1);
    const int32_t share = low + (((high - low) * (place & 2047) + 1024) >> 11);
    return number < 0 ? 32768 - share : share;
}

//: tanh_of
static int32_t tanh_of(int32_t number)
{
    return 2 * sigmoid_of(2 * number) - 32768;
}

//: exp_of
/* e to a number of at most 0, with powers of 2 looked up at every 64th. */
static int32_t exp_of(int32_t number)
{
    int32_t halvings, rest, high, low;
    if (number < -363408) /* less than 2^-16 */
        return 0;
    halvings = number < 0 ? (int32_t)(((int64_t)number * -94548 + 32768) >> 16) : 0;
    rest = halvings & 32767;
    halvings >>= 15;
    high = READ(uint16_t, halves + (rest >> 9));
    low = READ(uint16_t, halves + (rest >> 9) + 1);
    high -= ((high - low) * (rest & 511) + 256) >> 9;
    return (high + ((int32_t)1 << halvings >> 1)) >> halvings;
}

//: share_out
/* Replace scores by their shares of 2^15 by softmax. */
static void share_out(total *each, int count, int by)
{
    total most = each[0];
    uint32_t whole = 0;
    for (int k = 1; k < count; k++)
        most = larger(most, each[k]);
    for (int k = 0; k < count; k++)
        whole += (uint32_t)(each[k] = exp_of(moved((int64_t)each[k] - most, by)));
    for (int k = 0; k < count; k++)
        each[k] = (total)(((uint32_t)each[k] * 32768 + whole / 2) / whole);
}
