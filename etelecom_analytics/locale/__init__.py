"""Texts of charts, panels and reports, and how they show calls."""
