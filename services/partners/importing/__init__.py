"""Partners by the file: taken in row by row, with a report of each, and given out in the form in which they are taken back."""
