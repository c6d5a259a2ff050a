"""The readers of foreign bytes that `make fuzz` feeds, each with what has to hold. How they are fed is elsewhere."""
