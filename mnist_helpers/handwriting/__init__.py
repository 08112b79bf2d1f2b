"""Reading handwriting: from any picture to digits. No module that the other chapters use imports these."""
