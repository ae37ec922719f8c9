"""Reading, checking and preparing cardiac MR; the tf.data pipeline."""
