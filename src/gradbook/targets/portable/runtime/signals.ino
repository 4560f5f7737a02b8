/* Recognises CLASSES_TOLD: a window of LENGTH rows of CHANNELS_TOLDEVERY, every STEP_ROWS rows. */
#include <string.h> //: no library
#include "STEM.h" //: no library
 //: no library
SETTINGS //: no library
static const char *const names[CLASSES] = {NAMES}; //: no library
#include <STEM.h> //: library
 //: library
enum { CHANNELS = MANY, CLASSES = COUNT }; //: library
typedef SAMPLE sample; //: library
static const unsigned long BETWEEN = MICROSECONDS; /* microseconds from row to row */ //: rate
 //: no library, no rate
 //: no library, rate
HEARING //: no library

static int said = -1;
static unsigned long next; /* when the next row is due */ //: rate

/* Put your sensor here: CHANNELS_TOLD, in the unit of the recordings, and whether there was a row. //: no whole
   Until then rows come over the serial line as text: EXAMPLE */ //: no whole
/* Put your sensor here: NUMBERS_TOLD, as whole numbers, and whether there was a row. //: whole
   Until then rows come over the serial line as text, in the unit of the recordings: EXAMPLE */ //: whole
static bool read_sensor(sample *row) {
  static const float TIMES[CHANNELS] = {TIMES_EACH}; //: whole
  if (!Serial.available())
    return false;
  for (int k = 0; k < CHANNELS; k++) //: no whole
    row[k] = Serial.parseFloat(); //: no whole
  for (int k = 0; k < CHANNELS; k++) { //: whole
    const float value = Serial.parseFloat() * TIMES[k]; //: whole
    const float rounded = value < 0 ? value - 0.5f : value + 0.5f; //: whole
    row[k] = (sample)(rounded > MOST ? MOST : rounded < -MOST ? -MOST : rounded); //: whole
  } //: whole
  return true;
}

void setup() {
  Serial.begin(115200);
  next = micros(); //: rate
}

void loop() {
  if ((long)(micros() - next) < 0) //: rate
    return; //: rate
  next += BETWEEN; //: rate
  sample row[CHANNELS];
  if (!read_sensor(row))
    return;
  const int heard = HEAR(row);
  if (heard >= 0 && heard != said)
    Serial.println(LABELS[said = heard]);
}
