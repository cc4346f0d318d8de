"""Which files are taken for pictures, sounds and videos, by the ends of their names."""

from __future__ import annotations

IMAGES = (".jpg", ".png", ".jpeg", ".bmp", ".webp")
SOUNDS = (".wav", ".flac", ".ogg", ".mp3", ".m4a")
VIDEOS = (".mp4", ".mov", ".webm", ".mkv", ".m4v", ".avi")
