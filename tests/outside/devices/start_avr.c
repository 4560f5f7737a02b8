/* An AVR's first program: asks the network about each image and says what it answers, one a line:
   the class, a checksum of all outputs, cycles of the processor, bytes of stack that were in use.
   Everything is said on the serial line; sleep without interrupts ends the emulation. */
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/pgmspace.h>
#include <avr/sleep.h>
#include <stdint.h>
#include "stack.h"

int net_predict(const SAMPLE *image, OUTPUT *each);
extern const SAMPLE images[];
extern uint8_t _end[]; /* of what is static: the stack may grow down to here */
static volatile uint16_t turns;

ISR(TIMER1_OVF_vect) { turns++; }

static void start_clock(void)
{
    TCCR1B = 0;
    TCNT1 = 0;
    turns = 0;
    TIMSK1 = 1 << TOIE1;
    TCCR1B = 1 << CS11; /* a tick is 8 cycles */
}

static uint32_t cycles(void)
{
    uint16_t low, high;
    cli();
    low = TCNT1;
    high = (uint16_t)(turns + (TIFR1 & 1 << TOV1 && low < 0x8000));
    sei();
    return 8 * ((uint32_t)high << 16 | low);
}

static void say(uint32_t number, char after)
{
    char text[12];
    uint8_t place = 11;
    text[place] = after;
    do {
        text[--place] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    for (; place < 12; place++) {
        while (!(UCSR0A & 1 << UDRE0))
            ;
        UDR0 = (uint8_t)text[place];
    }
}

int main(void)
{
    static SAMPLE image[PIXELS];
    static OUTPUT each[OUTPUTS];
    uint8_t *const top = stack_pointer();
    paint(top, _end);
    UCSR0B = 1 << TXEN0;
    sei();
    for (uint16_t k = 0; k < IMAGES; k++) {
        uint32_t sum = 2166136261u, took;
        int best;
        memcpy_PF(image, pgm_get_far_address(images) + (uint32_t)k * sizeof image, sizeof image);
        start_clock();
        best = net_predict(image, each);
        took = cycles();
        for (uint16_t at = 0; at < sizeof each; at++)
            sum = (sum ^ ((const uint8_t *)each)[at]) * 16777619u;
        say((uint32_t)best, ' ');
        say(sum, ' ');
        say(took, ' ');
        say(deepest(top, _end), '\n');
    }
    cli();
    sleep_mode();
    return 0;
}
