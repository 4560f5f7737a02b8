static value arena[ARENA];
static uint16_t made[MAKERS];
