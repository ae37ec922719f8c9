"""From labelled patients of one scanner to labelled images as another scanner makes them."""
