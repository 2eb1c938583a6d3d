"""The enterprise view: all members of the cohort as one metadata collection (spec metadata-collection-semantics 13).

What is asked of it are the operations of the repository services. It asks the same of each member, ours first, then the others in the order in which they
registered, and makes one answer of their answers. ADR 12 says where it differs from Java's.
"""
