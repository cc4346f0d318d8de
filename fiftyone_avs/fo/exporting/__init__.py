"""Files for others: masks and tables, contact sheets, clips to watch."""
