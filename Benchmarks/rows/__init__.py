"""The rows of the table that bench.py prints, a module for each group of them."""
