"""Starts the pulser."""

from twintap_pulser.life import live

live()
