"""All that is known of a sample, and what a person says of it."""
