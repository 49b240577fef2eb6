"""Claims of the papers: what each says, how it is recomputed from results, and the verdict."""
