"""What works while nobody watches: who is told of runs by mail, which programs by webhook."""
