#define _GNU_SOURCE
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

/* With PART a compiler takes only that part of the passes, beside others. */
#ifdef PART
#define IN_PART(number) (PART == (number))
#define ACROSS __attribute__((visibility("hidden")))
#else
#define IN_PART(number) 1
#define ACROSS static
#endif
