"""Parsing of pages: from the bytes of a page to typed rows, and counts of unexpected values."""
