/* How much of the stack a call used: what lies below is painted before, and looked at afterwards.
   The first bytes below the stack pointer, where these functions themselves may be, are always
   counted as used. */
#include <stdint.h>

#define OWN 64
#define DEEP 16384
#define PAINT 0xa5

#ifdef __AVR__
static uint8_t *stack_pointer(void) { return (uint8_t *)SP; }
#else
static inline __attribute__((always_inline)) uint8_t *stack_pointer(void)
{
    uint8_t *now;
#ifdef __riscv
    __asm__ volatile("mv %0, sp" : "=r"(now));
#else
    __asm__ volatile("mov %0, sp" : "=r"(now));
#endif
    return now;
}
#endif

static __attribute__((noinline)) void paint(uint8_t *top, uint8_t *end)
{
    for (volatile uint8_t *at = top - OWN; at > end; at--)
        *at = PAINT;
}

static __attribute__((noinline)) uint32_t deepest(uint8_t *top, uint8_t *end)
{
    volatile uint8_t *at = end + 1;
    while (at < top - OWN && *at == PAINT)
        at++;
    return (uint32_t)(top - (uint8_t *)at);
}
