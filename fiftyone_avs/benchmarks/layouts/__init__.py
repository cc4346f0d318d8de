"""One file per family of benchmarks: from the files on disk to records."""
