/* ======== From outside: `programs` are the step of each, TRAIN and PREDICT ======== */

struct worker {
    struct place *at;
    void (*step)(struct place *);
};

static void *work(void *given) {
    const struct worker *worker = given;
    crew_begin(&worker->at->e->crew);
    while (worker->at->e->running) worker->step(worker->at);
    return NULL;
}

/* Zeroed, and in large pages where the system has them: an engine walks over many pages at once. */
#define LARGE_PAGE ((size_t)2 << 20)

static void *room_for(size_t size) {
    const size_t whole = (size + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
    void *room = aligned_room(LARGE_PAGE, whole);
    if (!room) return NULL;
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    madvise(room, whole, MADV_HUGEPAGE);
#endif
    return memset(room, 0, size);
}

void engine_close(struct engine *e) {
    if (!e) return;
    for (int t = 0; t < e->threads; t++) give_back(e->places[t]);
    crew_close(&e->crew);
    give_back(e);
}

/* NULL where there isn't room. */
struct engine *engine_open(int threads) {
    if (threads < 1 || threads > MOST_THREADS) return NULL;
    struct engine *e = room_for(sizeof *e);
    if (!e) return NULL;
    crew_open(&e->crew, threads);
    e->threads = threads;
    for (int t = 0; t < threads; t++) {
        e->places[t] = room_for(sizeof(struct place));
        if (!e->places[t]) {
            engine_close(e);
            return NULL;
        }
        e->places[t]->e = e;
        e->places[t]->thread = t;
    }
    return e;
}

/* How many steps were done: fewer than asked for where it was stopped. Where the system starts
 * fewer threads than there should be, those do the same. */
int64_t engine_run(struct engine *e, struct job *job, int what) {
    struct worker workers[MOST_THREADS];
    pthread_t threads[MOST_THREADS];
    void (*step)(struct place *) = programs[what];
    int started = 1;
    e->job = job;
    e->first = 0;
    e->step = 0;
    e->running = job->images > 0;
    if (!e->running) return 0;
    begin_step(e);
    const int groups = groups_of(e); /* no step has more */
    const int wanted = e->threads < groups ? e->threads : groups;
    for (int t = 0; t < wanted; t++) workers[t] = (struct worker){e->places[t], step};
    pthread_mutex_lock(&e->crew.lock);
    for (; started < wanted; started++)
        if (pthread_create(&threads[started], NULL, work, &workers[started])) break;
    e->crew.threads = started;
    pthread_mutex_unlock(&e->crew.lock);
    work(&workers[0]);
    for (int t = 1; t < started; t++) pthread_join(threads[t], NULL);
    e->job = NULL;
    return e->step;
}
