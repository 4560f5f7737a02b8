//: normed
/* For each group of channels, the mean over the whole map, and 1 over the deviation. */
static float middles[GROUPS], shares[GROUPS];

static void measure_groups(const struct maker *own, const struct view *seen)
{
    const int wide = own->columns * own->channels;
    const float values = (float)own->rows * (float)own->columns * (float)own->each;
    for (int first = 0, group = own->group; first < own->channels; first += own->each, group++) {
        float sum = 0, squares = 0;
        for (int row = 0; row < own->rows; row++)
            for (int x = first; x < wide; x += own->channels)
                for (int c = 0; c < own->each; c++)
                    sum += seen->rows[row][x + c];
        middles[group] = sum / values;
        for (int row = 0; row < own->rows; row++)
            for (int x = first; x < wide; x += own->channels)
                for (int c = 0; c < own->each; c++) {
                    const float off = seen->rows[row][x + c] - middles[group];
                    squares += off * off;
                }
        shares[group] = 1 / sqrtf(squares / values + own->epsilon);
    }
}

static total normed(const struct maker *own, const struct view *seen, int x, int c)
{
    const int group = own->group + c / own->each;
    if (seen->row == 0 && x == 0 && c == 0)
        measure_groups(own, seen);
    return (seen->rows[seen->row][x * own->channels + c] - middles[group]) * shares[group];
}

//: alone
static total alone(const struct maker *own, const struct view *seen, int x, int c)
{
    static float middle, share;
    const value *place = seen->rows[0] + x * own->channels;
    if (c == 0) {
        float sum = 0, squares = 0;
        for (int k = 0; k < own->channels; k++)
            sum += place[k];
        middle = sum / (float)own->channels;
        for (int k = 0; k < own->channels; k++)
            squares += (place[k] - middle) * (place[k] - middle);
        share = 1 / sqrtf(squares / (float)own->channels + own->epsilon);
    }
    return (place[c] - middle) * share;
}

//: placed
static total placed(const struct maker *own, const struct view *seen, int x, int c)
{
    const int wide = own->columns * own->channels, k = x * own->channels + c;
    const value *scale = weights + own->weights + SERVING(own, seen->row) * wide + k;
    return READ(value, scale) * seen->rows[0][k] + READ(value, scale + own->rows * wide);
}

//: take_shares
/* Replace scores by their shares by softmax. */
static void take_shares(float *each, int count)
{
    float largest = each[0], whole = 0;
    for (int k = 1; k < count; k++)
        if (each[k] > largest)
            largest = each[k];
    for (int k = 0; k < count; k++)
        whole += each[k] = expf(each[k] - largest);
    for (int k = 0; k < count; k++)
        each[k] /= whole;
}

//: log_sum_exp
/* The logarithm of the sum of e to each number. */
static float log_sum_exp(const float *each, int count)
{
    float largest = each[0], whole = 0;
    for (int k = 1; k < count; k++)
        if (each[k] > largest)
            largest = each[k];
    for (int k = 0; k < count; k++)
        whole += expf(each[k] - largest);
    return largest + logf(whole);
}

//: waves
static float cosines[FRAME], sines[FRAME];

/* The Fourier transform of a frame under Hann's window: cosines, then sines. It is made of those of
   every other sample, again and again (Cooley and Tukey, 1965). */
static void waves(const struct maker *own, const struct view *seen, value *out)
{
    const int frame = own->window_rows, half = frame / 2 + 1;
    const value *turn = weights + own->weights;
    const float share = 0.5f / sqrtf((float)frame);
    for (int n = 0, at = 0; n < frame; n++) {
        int bit = frame / 2;
        cosines[at] = seen->rows[n][0] * share * (1 - READ(value, turn + n));
        sines[at] = 0;
        while (bit && at & bit) { /* the next number, with its bits reversed */
            at ^= bit;
            bit /= 2;
        }
        at |= bit;
    }
    for (int size = 2; size <= frame; size *= 2)
        for (int k = 0; k < size / 2; k++) {
            const int angle = k * (frame / size);
            const float across = READ(value, turn + angle);
            const float down = READ(value, turn + (angle + 3 * (frame / 4)) % frame);
            for (int one = k; one < frame; one += size) {
                const int other = one + size / 2;
                const float cosine = across * cosines[other] - down * sines[other];
                const float sine = across * sines[other] + down * cosines[other];
                cosines[other] = cosines[one] - cosine;
                sines[other] = sines[one] - sine;
                cosines[one] += cosine;
                sines[one] += sine;
            }
        }
    for (int k = 0; k < half; k++) {
        out[k] = cosines[k];
        out[half + k] = sines[k];
    }
}
