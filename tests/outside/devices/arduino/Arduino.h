/* As much of Arduino's core as sketches here use: a serial line on which a recording comes, and what
   is printed on the processor's own. Time passes whenever it is asked for. */
#pragma once
#include <stddef.h>
#include <stdint.h>

unsigned long micros();

struct SerialLine {
    void begin(long speed);
    int available();
    int peek();
    int read();
    float parseFloat();
    void println(const char *text);
};
extern SerialLine Serial;

void setup();
void loop();
