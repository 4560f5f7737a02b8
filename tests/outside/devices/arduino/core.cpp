/* A board whose serial line plays what lies in its flash, then stops; at last it says how much of
   its memory was never touched, stack included. */
#include "Arduino.h"
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/pgmspace.h>
#include <avr/sleep.h>

#ifndef pgm_read_byte_far
#define pgm_read_byte_far(at) pgm_read_byte((uint16_t)(at))
#endif

extern "C" const char played[], played_end[];
static uint_farptr_t at;
static uint32_t left;
static const uint8_t UNTOUCHED = 0xa5;
extern uint8_t _end;
SerialLine Serial;

static unsigned long passed;
unsigned long micros() { return passed += 1000; }

static void send(char letter)
{
    while (!(UCSR0A & 1 << UDRE0))
        ;
    UDR0 = (uint8_t)letter;
}

static int peek() { return left ? (int)pgm_read_byte_far(at) : -1; }

static int take()
{
    const int letter = peek();
    if (left)
        at++, left--;
    return letter;
}

void SerialLine::begin(long) { UCSR0B = 1 << TXEN0; }
int SerialLine::available() { return left > 0; }
int SerialLine::peek() { return ::peek(); }
int SerialLine::read() { return take(); }

void SerialLine::println(const char *text)
{
    while (*text)
        send(*text++);
    send('\n');
}

/* Arduino's own way: digits of one long, and a fraction that is a tenth with each after the point. */
float SerialLine::parseFloat()
{
    bool negative = false, fraction = false;
    long value = 0;
    float share = 1;
    while (peek() >= 0 && peek() != '-' && peek() != '.' && (peek() < '0' || peek() > '9'))
        take();
    do {
        const int letter = take();
        if (letter == '-')
            negative = true;
        else if (letter == '.')
            fraction = true;
        else if (letter >= '0' && letter <= '9') {
            value = value * 10 + letter - '0';
            share *= fraction ? 0.1f : 1;
        }
    } while ((peek() >= '0' && peek() <= '9') || (peek() == '.' && !fraction));
    while (peek() == ' ' || peek() == '\n')
        take();
    return (float)(negative ? -value : value) * share;
}

static void say(unsigned int number)
{
    char text[7];
    uint8_t place = 6;
    text[place] = 0;
    do {
        text[--place] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    Serial.println(text + place);
}

int main()
{
    for (uint8_t *free = &_end; free < (uint8_t *)SP - 16; free++)
        *free = UNTOUCHED;
    at = pgm_get_far_address(played);
    left = pgm_get_far_address(played_end) - at;
    setup();
    while (left)
        loop();
    unsigned int spared = 0;
    for (const uint8_t *free = &_end; *free == UNTOUCHED; free++)
        spared++;
    say(spared);
    cli();
    sleep_mode();
}
