"""One module per inference engine; each turns a Request into a stream of Chunks."""
