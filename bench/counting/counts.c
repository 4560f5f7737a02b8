/* When the program ends: how often each run of instructions was gone through, to the file `counts`. */

#include <stdint.h>
#include <stdio.h>

extern uint64_t gradbook_counted[RUNS];

__attribute__((destructor)) static void write_counts(void) {
    FILE *file = fopen("counts", "wb");
    if (!file) return;
    fwrite(gradbook_counted, sizeof *gradbook_counted, RUNS, file);
    fclose(file);
}
