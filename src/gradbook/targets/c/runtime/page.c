/* ======== What a page asks besides: it lays out by hand what it calls an engine with ======== */

/* The key of each image, in whose order an epoch goes through them. */
void order_keys(uint64_t seed, uint64_t epoch, int64_t count, uint64_t *keys) {
    const uint64_t key = key_of(key_of(key_of(0, seed), PURPOSE_ORDER), epoch);
    for (int64_t k = 0; k < count; k++) keys[k] = key_of(key, (uint64_t)k);
}

/* Where the members of a call lie, and behind the last of them its size. */
size_t place_in_job(int member) {
    static const size_t places[] = {/* JOB */};
    return places[member];
}
#ifdef WARPS
size_t place_in_warp(int member) {
    static const size_t places[] = {/* WARP */};
    return places[member];
}
warper *warp_function(void) { return warp_image; }
#endif
