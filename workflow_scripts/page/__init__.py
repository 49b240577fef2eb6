"""One static HTML page of a scale's results, for people."""
