/* The last layer, which learns. It may be kept and put back; until it is `taken` from among the
   constants, it is as it was trained. */
struct NAME_layer {
    float weights[LAST_WEIGHTS];
    float biases[LAST_SUMS]; //: bias
    uint8_t taken;
};
struct NAME_layer NAME_layer;

/* Forget what was learnt. */
void NAME_forget(void)
{
    for (int k = 0; k < LAST_WEIGHTS; k++)
        NAME_layer.weights[k] = READ(float, last_weights + k);
    for (int k = 0; k < LAST_SUMS; k++) //: bias
        NAME_layer.biases[k] = READ(float, last_biases + k); //: bias
    NAME_layer.taken = 1;
}

static float last_sums[LAST_SUMS];

/* What the last layer makes of the map before it. */
static void weigh_last(void)
{
    const float *w = NAME_layer.weights;
    if (!NAME_layer.taken)
        NAME_forget();
    for (int k = 0; k < LAST_SUMS; k++) {
        float sum = 0; //: no bias
        float sum = NAME_layer.biases[k]; //: bias
        for (int from = 0; from < LAST_READS; from++)
            sum += *w++ * arena[ANSWER + from];
        last_sums[k] = sum;
    }
}

/* How the error of a sample changes with each sum. */
static void find_slopes(WANTED, float *slopes)
{
SLOPES
}

static const float *outputs_of_last(void)
{
    weigh_last();
    for (int k = 0; k < LAST_SUMS; k++) //: changed
        last_sums[k] = ANSWERED; //: changed
    return last_sums;
}

/* Learn from one sample: a step of descent of the last layer at this rate. */
void NAME_learn(GIVEN, WANTED, float rate)
{
    float slopes[LAST_SUMS], *w = NAME_layer.weights;
    if (wanted < 0 || wanted >= CLASSES) //: class
        return; //: class
    float complete[COUNT]; //: filled
    for (int k = 0; k < COUNT; k++) //: filled
        complete[k] = isnan(NUMBERS[k]) ? READ(float, missing + k) : NUMBERS[k]; //: filled
    make_all(READY);
    weigh_last();
    find_slopes(wanted, slopes);
    for (int k = 0; k < LAST_SUMS; k++) {
        const float step = rate * slopes[k];
        for (int from = 0; from < LAST_READS; from++)
            *w++ -= step * arena[ANSWER + from];
        NAME_layer.biases[k] -= step; //: bias
    }
}
