/* What is kept from step to step: rows, and how many were made of each map. */
struct NAME_state {
    value rows[ARENA];
    uint16_t made[MAKERS];
};
static struct NAME_state *now; /* the one that is worked on */
#define arena (now->rows)
#define made (now->made)
