/* PIXELS bytes of an image come over the serial line, row by row, and //: learns
/* PIXELS bytes of an image come over the serial line, row by row; the //: no learns
   one byte more: the class that it is, from which it learns, or 255; the //: learns
   answer is its class. */
#include "STEM.h"

static uint8_t image[BYTES];
static NUMBER each[OUTPUTS];

void setup() {
  Serial.begin(115200);
  Serial.setTimeout(10000);
}

void loop() {
  if (Serial.readBytes((char *)image, sizeof image) == sizeof image) //: no learns
    Serial.println(NAME_predict(image, each)); //: no learns
  if (Serial.readBytes((char *)image, sizeof image) == sizeof image) { //: learns
    Serial.println(NAME_predict(image, each)); //: learns
    NAME_learn(image, image[PIXELS], RATE); /* a class that doesn't exist teaches nothing */ //: learns
  } //: learns
}
