"""The procedural world: pictures, sounds and sentences about 16 sounding classes and 6 silent ones."""
