/* Each class's share of 32768 by softmax: 2 to the power of minus the halvings by which its score
   is below the best one, over the sum of all. */
static void take_shares(const int32_t *scores, uint16_t *shares)
{
    int32_t best = scores[0];
    uint32_t whole = 0;
    for (int k = 1; k < CLASSES; k++)
        if (scores[k] > best)
            best = scores[k];
    for (int k = 0; k < CLASSES; k++) {
        const uint64_t below = (uint64_t)((int64_t)best - scores[k]) * LOG2_E;
        const uint64_t halvings = (below + ((uint64_t)1 << (BITS + 2))) >> (BITS + 3);
        const int32_t part = (int32_t)(halvings & 4095); /* 4096ths of a halving */
        int32_t gone = CUBE * part >> 12;
        gone = (SQUARE - gone) * part >> 12;
        gone = (STRAIGHT - gone) * part >> 12;
        shares[k] = halvings < 16 * 4096ul ? (uint16_t)((32768 - gone) >> (int)(halvings >> 12)) : 0;
        whole += shares[k];
    }
    for (int k = 0; k < CLASSES; k++)
        shares[k] = (uint16_t)((shares[k] * 32768ul + whole / 2) / whole);
}
