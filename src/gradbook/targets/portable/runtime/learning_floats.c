/* The last layer, which learns. It can be stored and restored; until it is `taken` from the
   constants, it has its trained weights. */
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

/* The sums of the last layer. */
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

/* The gradient of a sample's error with respect to each sum. */
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

/* Learn from one sample: one step of gradient descent of the last layer at this rate. */
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
