"""From the bytes of a page to typed rows, with a count of every unexpected value."""
