"""The words that charts, panels and reports show."""
