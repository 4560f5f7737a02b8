/* A system that starts so many threads more and then no other, loaded before the C library. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>

static int left = -1; /* below zero: as many as are asked for */
static int refused;

void let_start(int threads) { left = threads, refused = 0; }
int were_refused(void) { return refused; }

int pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*work)(void *), void *with)
{
    if (left == 0) {
        refused++;
        return EAGAIN;
    }
    if (left > 0)
        left--;
    return ((__typeof__(&pthread_create))dlsym(RTLD_NEXT, "pthread_create"))(thread, how, work, with);
}
