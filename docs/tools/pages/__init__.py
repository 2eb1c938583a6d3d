"""The pages of the reference, one function each."""
