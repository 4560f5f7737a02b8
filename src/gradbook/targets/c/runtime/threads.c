/* The threads of one engine: they start once, meet between the phases of a step, and sleep
 * between calls. Who arrives last runs what only one may do, then lets the others go on.
 * A wait spins for a moment and then sleeps, so that a busy machine is shared politely. */

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define MOST_THREADS 64

struct crew {
    int threads;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    atomic_int arrived;
    atomic_int round; /* counts the meetings */
};

#define SPINS 4000

#if defined(__x86_64__) || defined(__i386__)
#define RELAX() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define RELAX() __asm__ volatile("yield")
#else
#define RELAX() (void)0
#endif

APART void crew_open(struct crew *crew, int threads) {
    crew->threads = threads;
    pthread_mutex_init(&crew->lock, NULL);
    pthread_cond_init(&crew->changed, NULL);
    atomic_init(&crew->arrived, 0);
    atomic_init(&crew->round, 0);
}

APART void crew_close(struct crew *crew) {
    pthread_cond_destroy(&crew->changed);
    pthread_mutex_destroy(&crew->lock);
}

/* Whoever starts them holds the lock until it is known how many of them the system starts. */
APART void crew_begin(struct crew *crew) {
    pthread_mutex_lock(&crew->lock);
    pthread_mutex_unlock(&crew->lock);
}

APART void crew_wait(struct crew *crew, int round) {
    for (int spin = 0; spin < SPINS; spin++) {
        if (atomic_load_explicit(&crew->round, memory_order_acquire) != round) return;
        RELAX();
    }
    pthread_mutex_lock(&crew->lock);
    while (atomic_load_explicit(&crew->round, memory_order_acquire) == round)
        pthread_cond_wait(&crew->changed, &crew->lock);
    pthread_mutex_unlock(&crew->lock);
}

/* Everybody waits here for the last, who first does `alone(with)`. */
APART void crew_meet(struct crew *crew, void (*alone)(void *), void *with) {
    if (crew->threads == 1) {
        if (alone) alone(with);
        return;
    }
    const int round = atomic_load_explicit(&crew->round, memory_order_acquire);
    if (atomic_fetch_add_explicit(&crew->arrived, 1, memory_order_acq_rel) + 1 < crew->threads) {
        crew_wait(crew, round);
        return;
    }
    if (alone) alone(with);
    atomic_store_explicit(&crew->arrived, 0, memory_order_relaxed);
    pthread_mutex_lock(&crew->lock);
    atomic_store_explicit(&crew->round, round + 1, memory_order_release);
    pthread_cond_broadcast(&crew->changed);
    pthread_mutex_unlock(&crew->lock);
}
