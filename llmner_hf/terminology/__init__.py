"""Names with identifiers: built from distributors' files, kept in one file, found and linked."""
