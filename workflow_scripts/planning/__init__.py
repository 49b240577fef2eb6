"""What work needs of its machines, what it costs, and how it is asked of a cluster."""
