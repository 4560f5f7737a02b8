/* PIXELS bytes of an image come over the serial line, row by row; the
   answer is its class. */
#include "STEM.h"

static uint8_t image[PIXELS];
static NUMBER each[OUTPUTS];

void setup() {
  Serial.begin(115200);
  Serial.setTimeout(10000);
}

void loop() {
  if (Serial.readBytes((char *)image, sizeof image) == sizeof image)
    Serial.println(NAME_predict(image, each));
}
