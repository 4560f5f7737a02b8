/* An AVR needs special instructions to read constants from its flash; other machines read them
   like everything else. */
#ifdef __AVR__
#include <avr/pgmspace.h>
#define IN_FLASH PROGMEM
READS
#define READ(kind, at) READ_##kind(at)
#define MAKER(number, copy) \
    ((const struct maker *)memcpy_P(copy, &makers[number], sizeof(struct maker)))
#else
#define IN_FLASH
#define READ(kind, at) (*(at))
#define MAKER(number, copy) ((void)(copy), &makers[number])
#endif
