//! Reads nuncio.yaml into the checked rules document, reporting every fault with line, column and a hint.
