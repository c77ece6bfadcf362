"""Findings, written for people and for CI systems."""
