//: missing
static int steps_taken(struct NAME_state *state) //: stream
{ //: stream
    now = state; //: stream
    return made[0]; //: stream
} //: stream

//: function
/* REMARK */
KIND CALLED(GIVEN)
{
    const int taken = steps_taken(state), row = taken < STEPS ? taken : STEPS - 1; //: filled, step
    float complete[FEATURES]; //: filled, step
    for (int k = 0; k < FEATURES; k++) //: filled, step
        complete[k] = isnan(NUMBERS[k]) ? READ(float, missing + row * FEATURES + k) : NUMBERS[k]; //: filled, step
    float complete[COUNT]; //: filled, no step
    for (int k = 0; k < COUNT; k++) //: filled, no step
        complete[k] = isnan(NUMBERS[k]) ? READ(float, missing + k) : NUMBERS[k]; //: filled, no step
    scores = each; //: scores
    take_step(state, READY); //: step
    make_answers(READY); //: step
    make_all(READY); //: no step, no steps
    static struct NAME_state whole; //: steps
    NAME_reset(&whole); //: steps
    for (int k = 0; k < STEPS; k++, NUMBERS += FEATURES, WRITTEN += WIDTH) //: steps
        NAME_step(&whole, NUMBERS, WRITTEN); //: steps
BODY
}

//: floats
    return *(MADE); //: number
    const value *said = MADE; //: no number
    for (int k = 0; k < SAID; k++) //: numbers
        WRITTEN[k] = said[k]; //: numbers
    take_shares(WRITTEN, CLASSES); //: softmax, no several
    for (int step = 0; step < STEPS_SAID; step++) //: softmax, several
        take_shares(WRITTEN + step * CLASSES, CLASSES); //: softmax, several
    float whole = 0; //: shares
    for (int k = 0; k < CLASSES; k++) //: shares
        whole += said[k]; //: shares
    for (int k = 0; k < CLASSES; k++) //: shares
        WRITTEN[k] = said[k] / whole; //: shares
    WRITTEN[0] = 1 - said[0]; //: both
    WRITTEN[1] = said[0]; //: both
    return said[0] >= HALF; //: both
    int surest = 0; //: surest
    for (int k = 1; k < CLASSES; k++) //: surest
        if (WRITTEN[k] > WRITTEN[surest]) //: surest
            surest = k; //: surest
    return surest; //: surest

//: whole
    return *each >= HALF; //: both
    int best = 0; //: no both
    for (int k = 1; k < CLASSES; k++) //: no both
        if (each[k] > each[best]) //: no both
            best = k; //: no both
    return best; //: no both
