"""Records of runs, their files, the labels that predictions become, and what runs left on samples."""
