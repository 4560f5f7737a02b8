/* The last layer, which learns. It can be stored and restored; until it is `taken` from the
   constants, it has its trained weights. */
struct NAME_layer {
    int16_t weights[LAST_WEIGHTS];
    int32_t biases[LAST_SUMS]; //: bias
    uint32_t chance; /* random bits that round steps smaller than a weight's unit */
    uint8_t taken;
};
struct NAME_layer NAME_layer;

/* Forget what was learnt. */
void NAME_forget(void)
{
    for (int k = 0; k < LAST_WEIGHTS; k++)
        NAME_layer.weights[k] = READ(int16_t, last_weights + k);
    for (int k = 0; k < LAST_SUMS; k++) //: bias
        NAME_layer.biases[k] = READ(int32_t, last_biases + k); //: bias
    NAME_layer.chance = 1;
    NAME_layer.taken = 1;
}

static int32_t last_sums[LAST_SUMS];

/* The sums of the last layer, in units of 2^-15. */
static void weigh_last(int32_t *each)
{
    const int16_t *w = NAME_layer.weights;
    if (!NAME_layer.taken)
        NAME_forget();
    for (int k = 0; k < LAST_SUMS; k++) {
        int32_t sum = 0; //: no bias
        int32_t sum = NAME_layer.biases[k]; //: bias
        for (int from = 0; from < LAST_READS; from++)
            sum += (int32_t)*w++ * (arena[ANSWER + from] - LAST_ZERO);
        each[k] = scaled(sum, LAST_UNIT, LAST_UNIT_BITS);
    }
}

/* The gradient of a sample's error with respect to each sum, in the same units. */
static void find_slopes(WANTED, int32_t *slopes)
{
SLOPES
}

static int32_t between(int32_t number, int32_t most)
{
    return number > most ? most : number < -most ? -most : number;
}

/* Learn from one sample: one step of the last layer, at a rate in units of 2^-15. */
void NAME_learn(GIVEN, WANTED, int16_t rate)
{
    int32_t slopes[LAST_SUMS];
    int16_t *w = NAME_layer.weights;
    if (wanted < 0 || wanted >= CLASSES)
        return;
    make_all(READY);
    weigh_last(last_sums);
    find_slopes(wanted, slopes);
    for (int k = 0; k < LAST_SUMS; k++) {
        const int32_t step = rate * between(slopes[k], MOST_SLOPE);
        const int32_t each = scaled(step, LAST_STEP, LAST_STEP_BITS);
        for (int from = 0; from < LAST_READS; from++, w++) {
            const int32_t moved = each * (arena[ANSWER + from] - LAST_ZERO);
            NAME_layer.chance = NAME_layer.chance * MULTIPLIER + INCREMENT;
            const int32_t rest = (int32_t)(NAME_layer.chance >> (32 - CHANCES));
            *w = (int16_t)between(*w - ((moved + rest) >> CHANCES), LAST_MOST);
        }
        const int32_t off = scaled(step, LAST_BIAS, LAST_BIAS_BITS); //: bias
        NAME_layer.biases[k] = between(NAME_layer.biases[k] - off, MOST_BIAS); //: bias
    }
}
