"""The paper's tables: published numbers, the rows of a table, and a table made again beside them."""
