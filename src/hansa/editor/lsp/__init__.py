"""The language server: what Hansa offers to any editor, over stdio."""
