"""Helpers that several tests share: cases, strategies, second opinions, and drivers."""
