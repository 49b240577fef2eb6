"""megadocs: corpus -> generation -> megadocs -> training -> evaluation -> scaling -> figures -> audit."""
