        const int enlarges = ENLARGES(own), reach = (own->window_rows - 1) / own->stride;
        const int tall = enlarges ? reach + 1 : (own->pooled - 1) * own->stride + own->window_rows;
        const int first = enlarges ? (row + own->pad) / own->stride - reach
                                   : row * own->pooled * own->stride - own->pad;
