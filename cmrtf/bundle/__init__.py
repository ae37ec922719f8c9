"""Trained models on disk or behind a server, as their users see them."""
