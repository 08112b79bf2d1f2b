"""Reading handwriting: from any picture to digits. Nothing that the other chapters use imports from here."""
